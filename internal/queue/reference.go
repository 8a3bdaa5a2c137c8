package queue

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// reference is what a user writes for a queue: its URL, ARN or name.
type reference struct {
	name string
	// url is set if it is one.
	url string
	// account and region are an ARN's; region is also that of a URL of AWS.
	account, region string
	// host is the URL's, unless it is one of AWS.
	host string
}

// parseReference reads ref.
func parseReference(ref string) (reference, error) {
	ref = strings.TrimSpace(ref)
	switch {
	case ref == "":
		return reference{}, errors.New("no queue is named: write its URL, ARN or name")
	case strings.HasPrefix(ref, "arn:"):
		return parseARN(ref)
	case strings.Contains(ref, "://"):
		return parseURL(ref)
	case !validName(ref):
		return reference{}, fmt.Errorf("the queue %q is neither a URL, nor an ARN, nor a name: "+
			"a name has letters, digits, - and _, at most 80, and may end with .fifo", ref)
	}
	return reference{name: ref}, nil
}

func parseARN(ref string) (reference, error) {
	parts := strings.Split(ref, ":")
	if len(parts) != 6 || parts[2] != "sqs" || parts[3] == "" || !validName(parts[5]) {
		return reference{}, fmt.Errorf("the queue %q is no ARN of a queue: write arn:aws:sqs:REGION:ACCOUNT:NAME", ref)
	}
	return reference{name: parts[5], account: parts[4], region: parts[3]}, nil
}

// parseURL reads a queue URL. One that is refused is not shown: it may have a
// password in it.
func parseURL(ref string) (reference, error) {
	u, err := url.Parse(ref)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return reference{}, errors.New("the queue's URL is none of SQS: write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, " +
			"without a user name, query or fragment")
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	name := parts[len(parts)-1]
	if len(parts) < 2 || !validName(name) {
		return reference{}, fmt.Errorf("the queue URL %s has no account and queue name in its path: "+
			"write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", u.Redacted())
	}
	r := reference{name: name, url: ref}
	if r.region = regionOf(u.Hostname()); r.region == "" {
		r.host = u.Host
	}
	return r, nil
}

// regionOf is the region of a host of SQS; empty if it is another host. An
// endpoint in a VPC is one: the SDK goes there only if it is told to.
func regionOf(host string) string {
	if net.ParseIP(host) != nil {
		return ""
	}
	host = strings.ToLower(host)
	labels := strings.Split(host, ".")
	if len(labels) < 3 {
		return ""
	}
	switch domain := strings.Join(labels[max(len(labels)-2, 0):], "."); {
	case domain == "amazonaws.com", domain == "api.aws", strings.HasSuffix(host, ".amazonaws.com.cn"),
		strings.HasSuffix(host, ".amazonwebservices.com.cn"):
	default:
		return ""
	}
	switch {
	case labels[0] == "sqs" || labels[0] == "sqs-fips":
		return labels[1]
	case labels[1] == "queue":
		return labels[0]
	case labels[0] == "queue":
		return "us-east-1"
	}
	return ""
}

// validName says whether a queue may be called so.
func validName(name string) bool {
	stem := strings.TrimSuffix(name, ".fifo")
	if stem == "" || len(name) > 80 {
		return false
	}
	for i := range len(stem) {
		c := stem[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
