package queue

import (
	"context"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// variant is which of a region's endpoints is meant.
type variant struct{ fips, dualStack bool }

// variants are all there are. In some regions two of them have one host: the first
// one is taken then.
var variants = [...]variant{{}, {dualStack: true}, {fips: true}, {fips: true, dualStack: true}}

// missingFrom names the variables that a client of variant c lacks to reach v.
func (v variant) missingFrom(c variant) string {
	var set []string
	if v.fips && !c.fips {
		set = append(set, "AWS_USE_FIPS_ENDPOINT=true")
	}
	if v.dualStack && !c.dualStack {
		set = append(set, "AWS_USE_DUALSTACK_ENDPOINT=true")
	}
	return strings.Join(set, " and ")
}

// whereIs returns the region and the variant of a host of SQS, and whether it is one,
// in any partition: a host is one if the SDK's endpoint rules give it for a region
// that it names. A VPC endpoint is none: the SDK goes there only if it is told to.
func whereIs(ctx context.Context, host string) (region string, v variant, known bool) {
	if net.ParseIP(host) != nil {
		return "", variant{}, false
	}
	host = current(strings.ToLower(host))
	for region := range strings.SplitSeq(host, ".") {
		for _, v := range variants {
			if at, err := hostOf(ctx, region, v); err == nil && at == host {
				return region, v, true
			}
		}
	}
	return "", variant{}, false
}

// hostOf is where SQS is in a region, by the SDK's endpoint rules.
func hostOf(ctx context.Context, region string, v variant) (string, error) {
	at, err := sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sqs.EndpointParameters{
		Region: &region, UseFIPS: &v.fips, UseDualStack: &v.dualStack,
	})
	if err != nil {
		return "", err
	}
	return at.URI.Hostname(), nil
}

// current turns a host of SQS's old form, REGION.queue.DOMAIN, into today's:
// https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
func current(host string) string {
	first, rest, _ := strings.Cut(host, ".")
	if domain, isOld := strings.CutPrefix(rest, "queue."); isOld {
		return "sqs." + first + "." + domain
	}
	if first == "queue" {
		return "sqs.us-east-1." + rest
	}
	return host
}
