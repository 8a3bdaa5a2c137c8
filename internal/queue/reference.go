package queue

import (
	"context"
	"errors"
	"fmt"
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
	// variant is which of a region's endpoints a URL of AWS names.
	variant variant
	// host is the URL's, unless it is one of AWS.
	host string
}

// parseReference reads ref.
func parseReference(ctx context.Context, ref string) (reference, error) {
	ref = strings.TrimSpace(ref)
	switch {
	case ref == "":
		return reference{}, errors.New("no queue given: write its URL, ARN or name")
	case strings.HasPrefix(ref, "arn:"):
		return parseARN(ref)
	case strings.Contains(ref, "://"):
		return parseURL(ctx, ref)
	case !validName(ref):
		return reference{}, fmt.Errorf("invalid queue %q: write a URL, an ARN or a name "+
			"(letters, digits, - and _, at most 80, with .fifo at the end for a FIFO queue)", ref)
	}
	return reference{name: ref}, nil
}

func parseARN(ref string) (reference, error) {
	parts := strings.Split(ref, ":")
	if len(parts) != 6 || parts[2] != "sqs" || parts[3] == "" || !validName(parts[5]) {
		return reference{}, fmt.Errorf("invalid queue ARN %q: write arn:aws:sqs:REGION:ACCOUNT:NAME", ref)
	}
	return reference{name: parts[5], account: parts[4], region: parts[3]}, nil
}

// parseURL reads a queue URL. One that is refused is not shown: it may have a
// password in it.
func parseURL(ctx context.Context, ref string) (reference, error) {
	u, err := url.Parse(ref)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return reference{}, errors.New("invalid queue URL: write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, " +
			"without a user name, query or fragment")
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	name := parts[len(parts)-1]
	if len(parts) < 2 || !validName(name) {
		return reference{}, fmt.Errorf("queue URL %s has no account and queue name in its path: "+
			"write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", u.Redacted())
	}
	r := reference{name: name, url: ref}
	var known bool
	if r.region, r.variant, known = whereIs(ctx, u.Hostname()); !known {
		r.host = u.Host
	}
	return r, nil
}

// validName reports whether a queue may have this name.
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
