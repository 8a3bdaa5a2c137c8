package main

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/sqs-poller/poller/internal/config"
)

// awsDomains are the ends of AWS's hosts, in the partitions whose names are public.
var awsDomains = []string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".on.aws"}

// awsNames are what a service that requests are signed for is called in AWS's hosts.
var awsNames = map[string]string{
	"lambda": "lambda", "lambda-fips": "lambda", "lambda-url": "lambda",
	"execute-api": "execute-api", "vpc-lattice-svcs": "vpc-lattice-svcs",
}

// awsPlace returns the service and the region that a host of AWS names, such as
// ID.execute-api.REGION.amazonaws.com and lambda.REGION.amazonaws.com. Any other host, such
// as a custom domain, names none.
func awsPlace(host string) (service, region string) {
	host = strings.ToLower(host)
	if !slices.ContainsFunc(awsDomains, func(domain string) bool { return strings.HasSuffix(host, domain) }) {
		return "", ""
	}
	labels := strings.Split(host, ".")
	for i, label := range labels[:len(labels)-1] {
		if service := awsNames[label]; service != "" {
			return service, labels[i+1]
		}
	}
	return "", ""
}

// judgeSigning compares what a target's requests are signed for with what its host names: AWS
// answers 403 where they differ. ours is the region of the queues.
func judgeSigning(f *findings, name string, t config.Target, ours string) {
	u, err := url.Parse(t.URL)
	if err != nil || t.Auth.AWS.Service == "" {
		return
	}
	about := "target " + name
	service, region := awsPlace(u.Hostname())
	if service != "" && service != t.Auth.AWS.Service {
		f.add(wrong, about, "--sign-aws to "+service, "its requests are signed for %s, and %s is %s: AWS answers 403", t.Auth.AWS.Service, u.Hostname(), service)
	}
	if signed := cmp.Or(t.Auth.AWS.Region, ours); region != "" && region != signed {
		f.add(wrong, about, "--sign-aws-region to "+region, "its requests are signed for the region %s, and %s is in %s: AWS answers 403", signed, u.Hostname(), region)
	}
}
