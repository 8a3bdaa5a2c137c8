package queue

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// reference is a queue as given by a user: its URL, ARN or name.
type reference struct {
	name string
	// url is set if the reference is a URL.
	url string
	// account and region are from an ARN; region also from an AWS URL.
	account, region string
	// variant is which of a region's endpoints an AWS URL names.
	variant variant
	// host is the URL's host, unless it is one of AWS's.
	host string
}

// parseReference parses ref.
func parseReference(ctx context.Context, ref string) (reference, error) {
	ref = strings.TrimSpace(ref)
	switch {
	case ref == "":
		return reference{}, errors.New("no queue given: use its URL, ARN or name")
	case strings.HasPrefix(ref, "arn:"):
		return parseARN(ref)
	case strings.Contains(ref, "://"):
		return parseURL(ctx, ref)
	case !validName(ref):
		return reference{}, fmt.Errorf("invalid queue %q: use a URL, an ARN or a name "+
			"(letters, digits, - and _, at most 80, with .fifo at the end for a FIFO queue)", ref)
	}
	return reference{name: ref}, nil
}

func parseARN(ref string) (reference, error) {
	parts := strings.Split(ref, ":")
	if len(parts) != 6 || parts[2] != "sqs" || parts[3] == "" || !validName(parts[5]) {
		return reference{}, fmt.Errorf("invalid queue ARN %q: use arn:aws:sqs:REGION:ACCOUNT:NAME", ref)
	}
	return reference{name: parts[5], account: parts[4], region: parts[3]}, nil
}

// parseURL parses a queue URL. Its errors do not show the URL, which may contain a
// password.
func parseURL(ctx context.Context, ref string) (reference, error) {
	u, err := url.Parse(ref)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return reference{}, errors.New("invalid queue URL: use https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, " +
			"without a user name, query or fragment")
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	name := parts[len(parts)-1]
	if len(parts) < 2 || !validName(name) {
		return reference{}, fmt.Errorf("queue URL %s has no account and queue name in its path: "+
			"use https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", u.Redacted())
	}
	r := reference{name: name, url: ref}
	var known bool
	if r.region, r.variant, known = whereIs(ctx, u.Hostname()); !known {
		r.host = u.Host
	}
	return r, nil
}

// validName reports whether name is a valid queue name.
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
