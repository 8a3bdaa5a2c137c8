package receiver

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// one returns the value of a header that must be there once, and not be empty.
func one(r *http.Request, name string) (string, *Problem) {
	switch values := r.Header.Values(name); {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", malformed("the %s header is missing", name)
	case len(values) > 1:
		return "", malformed("the %s header is there more than once", name)
	default:
		return values[0], nil
	}
}

// all returns the values of headers that must be there once each.
func all(r *http.Request, names ...string) ([]string, *Problem) {
	values := make([]string, len(names))
	for i, name := range names {
		var p *Problem
		if values[i], p = one(r, name); p != nil {
			return nil, p
		}
	}
	return values, nil
}

// isCount reports whether text is a whole number from 1 on.
func isCount(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 1 && text[0] != '+'
}

// readRaw reads the format of poller's own: docs/delivery.md.
func readRaw(r *http.Request, _ []byte) (Delivery, *Problem) {
	values, p := all(r, "X-Poller-Message-Id", "Idempotency-Key", "X-Poller-Queue", "X-Poller-Receive-Count", "X-Poller-Sent-At")
	if p != nil {
		return Delivery{}, p
	}
	sent, err := time.Parse("2006-01-02T15:04:05.000Z", values[4])
	switch {
	case values[0] != values[1]:
		return Delivery{}, malformed("the Idempotency-Key header differs from X-Poller-Message-Id")
	case !isCount(values[3]):
		return Delivery{}, malformed("the X-Poller-Receive-Count header is not a number from 1 on")
	case err != nil:
		return Delivery{}, malformed("the X-Poller-Sent-At header is not a time such as 2026-11-02T09:31:00.123Z")
	}
	return Delivery{Messages: []Message{{values[0], sent}}}, nil
}

// readSqsd reads what the daemon of an Elastic Beanstalk worker environment sends:
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
func readSqsd(r *http.Request, _ []byte) (Delivery, *Problem) {
	if !strings.HasPrefix(r.UserAgent(), "aws-sqsd/") {
		return Delivery{}, malformed("the User-Agent header does not begin with aws-sqsd/")
	}
	values, p := all(r, "X-Aws-Sqsd-Msgid", "X-Aws-Sqsd-Queue", "X-Aws-Sqsd-Receive-Count", "X-Aws-Sqsd-First-Received-At")
	if p != nil {
		return Delivery{}, p
	}
	_, err := time.Parse("2006-01-02T15:04:05Z", values[3])
	switch {
	case !isCount(values[2]):
		return Delivery{}, malformed("the X-Aws-Sqsd-Receive-Count header is not a number from 1 on")
	case err != nil:
		return Delivery{}, malformed("the X-Aws-Sqsd-First-Received-At header is not a time such as 2026-11-02T09:31:00Z")
	}
	return Delivery{Messages: []Message{{ID: values[0]}}}, nil
}

// The names of Standard Webhooks' headers.
const (
	webhookID        = "Webhook-Id"
	webhookTimestamp = "Webhook-Timestamp"
	webhookSignature = "Webhook-Signature"
)

// readWebhook reads the headers of Standard Webhooks, without verifying the signature:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func readWebhook(r *http.Request, _ []byte) (Delivery, *Problem) {
	values, p := all(r, webhookID, webhookTimestamp, webhookSignature)
	if p != nil {
		return Delivery{}, p
	}
	if strings.Contains(values[0], ".") {
		return Delivery{}, malformed("the Webhook-Id header contains a dot, which separates what is signed")
	}
	if _, err := strconv.ParseInt(values[1], 10, 64); err != nil {
		return Delivery{}, malformed("the Webhook-Timestamp header is not a number of Unix seconds")
	}
	for signature := range strings.SplitSeq(values[2], " ") {
		text, isV1 := strings.CutPrefix(signature, "v1,")
		sum, err := base64.StdEncoding.DecodeString(text)
		if !isV1 || err != nil || len(sum) != 32 {
			return Delivery{}, malformed("the Webhook-Signature header is not v1, and 32 bytes in base64, separated by spaces if there are several")
		}
	}
	sent, _ := time.Parse(time.RFC3339, r.Header.Get("X-Poller-Sent-At")) // missing, and then unknown
	return Delivery{Messages: []Message{{values[0], sent}}}, nil
}
