package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxConcurrency is the most concurrent deliveries to one target.
const MaxConcurrency = 10_000

const (
	maxConcurrency = MaxConcurrency
	maxBurst       = maxRate
	maxReplicas    = maxConcurrency // more would have no delivery for some
	// maxVisibility is how long SQS lets a message be invisible, in all.
	maxVisibility = Duration(12 * time.Hour)
	maxGather     = Duration(time.Minute)
	maxWeight     = 1000
	// maxWaitTime is SQS's longest poll.
	maxWaitTime = Duration(20 * time.Second)
	leastMemory = Size(32 << 20)
)

// formats are what a target's format may be.
var formats = []string{"raw", "sqsd", "lambda", "cloudevents"}

// validate checks each value against its bounds.
func (d *draft) validate(c Checks) error {
	for _, q := range d.queues {
		if err := q.value.validate(q.names); err != nil {
			return err
		}
	}
	for _, t := range d.targets {
		if err := t.value.validate(t.names, c); err != nil {
			return err
		}
	}
	if err := d.daemon.value.validate(d.daemon.names); err != nil {
		return err
	}
	for _, t := range d.targets {
		if fleet := d.daemon.value.Fleet; fleet.Shared() {
			if err := fleet.validateShared(d.daemon.names, t, c); err != nil {
				return err
			}
		}
		if err := d.daemon.value.Fleet.validateShare(d.daemon.names, t); err != nil {
			return err
		}
	}
	return nil
}

func (q Queue) validate(n names) error {
	if strings.ContainsAny(q.Queue, " \t\r\n") {
		return n.problem("queue", "contains white space: use the queue's URL, ARN or name")
	}
	if v := q.VisibilityTimeout; n.has("visibility_timeout") &&
		(v < Duration(time.Second) || v > maxVisibility || time.Duration(v)%time.Second != 0) {
		return n.problem("visibility_timeout", "%s is not a whole number of seconds from 1s to 12h: use 60s, for example, or omit it for the queue's own", v)
	}
	if q.Gather < 0 || q.Gather > maxGather {
		return n.problem("gather", "%s is not between 0s and 1m: use a value such as 20ms", q.Gather)
	}
	if w := q.WaitTime; w < Duration(time.Second) || w > maxWaitTime || time.Duration(w)%time.Second != 0 {
		return n.problem("wait_time", "%s is not a whole number of seconds from 1s to 20s: use 20s, or less than what a proxy in between allows", w)
	}
	if q.Weight < 1 || q.Weight > maxWeight {
		return n.problem("weight", "%d is not between 1 and 1,000: use this queue's share of the pace relative to the others, such as 1", q.Weight)
	}
	return nil
}

func (t Target) validate(n names, c Checks) error {
	if err := c.TargetURL(t.URL); err != nil {
		return n.problem("url", "%w", err)
	}
	if err := t.validatePace(n); err != nil {
		return err
	}
	if t.Timeout <= 0 || t.Timeout > maxVisibility {
		return n.problem("timeout", "%s is not above 0s and at most 12h: use how long one delivery may take, such as 30s", t.Timeout)
	}
	if !slices.Contains(formats, t.Format) {
		return n.problem("format", "invalid format%s: use %s", shown(t.Format), oneOf(formats))
	}
	if err := t.validateBatch(n); err != nil {
		return err
	}
	if t.Unwrap != "none" && t.Unwrap != "sns" {
		return n.problem("unwrap", "invalid envelope%s: use sns, or none", shown(t.Unwrap))
	}
	for i, line := range t.Headers {
		key := element("headers", i)
		if !n.has(key) {
			key = "headers"
		}
		if err := c.Header(line); err != nil {
			return n.problem(key, "%w", err)
		}
	}
	if err := t.Auth.validate(n, c); err != nil {
		return err
	}
	if p := t.OnRejected; p != "retry" && p != "dead-letter" && p != "discard" {
		return n.problem("on_rejected", "invalid policy%s: use retry, dead-letter or discard", shown(p))
	}
	if (t.TLSCert == "") != (t.TLSKey == "") {
		given, missing := "tls_cert", "tls_key"
		if t.TLSCert == "" {
			given, missing = missing, given
		}
		return n.problem(given, "needs a second file: set %s too, or omit both", n.of(missing))
	}
	switch {
	case t.Backoff <= 0:
		return n.problem("backoff", "%s is not over 0s: use a value such as 1s", t.Backoff)
	case t.BackoffMax > maxVisibility:
		return n.problem("backoff_max", "%s is more than the 12h that SQS allows: use a value such as 15m", t.BackoffMax)
	case t.Backoff > t.BackoffMax:
		return n.problem("backoff", "%s is longer than %s, which is %s: use a shorter one, or a longer %s",
			t.Backoff, n.of("backoff_max"), t.BackoffMax, n.of("backoff_max"))
	}
	return nil
}

func (t Target) validatePace(n names) error {
	switch {
	case t.Concurrency < 1 || t.Concurrency > maxConcurrency:
		return n.problem("concurrency", "%d is not between 1 and 10,000: use the number of concurrent deliveries, such as 10", t.Concurrency)
	case n.has("burst") && (t.Burst < 1 || t.Burst > maxBurst):
		return n.problem("burst", "%d is not between 1 and 1,000,000: use how many deliveries may start together after a pause, such as 1", t.Burst)
	case n.has("burst") && !t.Rate.Limited:
		return n.problem("burst", "a burst needs a rate: set %s too, or omit it", n.of("rate"))
	}
	return t.validateQuotas(n)
}

func (c Config) validate(n names) error {
	if err := c.Fleet.validate(n); err != nil {
		return err
	}
	if c.DrainTimeout < Duration(time.Second) || c.DrainTimeout > maxVisibility {
		return n.problem("drain_timeout", "%s is not between 1s and 12h: use less than the platform's grace period, such as 25s", c.DrainTimeout)
	}
	if !isAddress(c.Listen) {
		return n.problem("listen", "invalid address: use HOST:PORT or :PORT, such as :9500")
	}
	if u, err := url.Parse(c.Dashboard); c.Dashboard != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil) {
		return n.problem("dashboard", "invalid URL: use http(s)://…, without a user name")
	}
	if n.has("memory") && c.Memory < leastMemory {
		return n.problem("memory", "%s is not enough for the program itself: use %s or more, such as 128MiB", c.Memory, leastMemory)
	}
	if err := ValidateControlToken(c.ControlToken); err != nil {
		return n.problem("control_token", "%w", err)
	}
	if f := c.Log.Format; f != "auto" && f != "text" && f != "json" {
		return n.problem("log.format", "invalid log format%s: use auto, text or json", shown(f))
	}
	return nil
}

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
}
