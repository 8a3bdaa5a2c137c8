package queue

import (
	"context"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// variant is one of a region's endpoints: FIPS, dual-stack, both or neither.
type variant struct{ fips, dualStack bool }

// variants are all variants. In some regions two of them share a host; the first one wins.
var variants = [...]variant{{}, {dualStack: true}, {fips: true}, {fips: true, dualStack: true}}

// missingFrom returns the variables that must be set for a client of variant c to use v.
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

// whereIs returns the region and variant of an SQS host in any partition, and whether
// host is one: whether the SDK's endpoint rules return it for a region that it names. A
// VPC endpoint is not: the SDK uses it only if told to.
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

// hostOf returns SQS's host in a region according to the SDK's endpoint rules.
func hostOf(ctx context.Context, region string, v variant) (string, error) {
	at, err := sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sqs.EndpointParameters{
		Region: &region, UseFIPS: &v.fips, UseDualStack: &v.dualStack,
	})
	if err != nil {
		return "", err
	}
	return at.URI.Hostname(), nil
}

// current turns a host of the legacy form REGION.queue.DOMAIN into the current form:
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
