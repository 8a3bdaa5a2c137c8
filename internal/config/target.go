package config

import (
	"slices"
	"time"
)

// Target is one downstream that messages are delivered to.
type Target struct {
	URL         string `yaml:"url" name:"target" placeholder:"URL" group:"Target" help:"URL that messages are delivered to: http(s)://…"`
	Concurrency int    `yaml:"concurrency" name:"concurrency" default:"10" placeholder:"N" group:"Target" help:"Concurrent deliveries, 1 to 10,000."`
	// Adaptive takes Concurrency for the maximum.
	Adaptive bool    `yaml:"adaptive" name:"adaptive" group:"Target" help:"Find how many concurrent deliveries the target takes, between 1 and the concurrency, from its 429s, 503s and latency."`
	Rate     Rate    `yaml:"rate" name:"rate" default:"none" placeholder:"RATE" group:"Target" help:"Deliveries started per second, minute or hour: 28/s, 1000/m, 50000/h. A number alone means per second; 0 pauses."`
	Burst    int     `yaml:"burst" name:"burst" placeholder:"N" group:"Target" help:"How many deliveries may start together after a pause. Default: 10 ms of the rate, at least 1. In any second, at most rate + burst start."`
	Quotas   []Quota `yaml:"quotas" name:"quota" placeholder:"QUOTA" group:"Target" help:"Most deliveries that may start in any window of a second, minute, hour or day: 1000/m, 50000/d. May be repeated, up to 4 times."`
	// FollowLimits is on by default.
	FollowLimits bool     `yaml:"follow_limits" name:"follow-limits" default:"true" group:"Target" help:"Keep to what the target's answers say of its limits: RateLimit, X-RateLimit-Remaining and -Reset, and the Retry-After of a 429. --follow-limits=false ignores it."`
	Timeout      Duration `yaml:"timeout" name:"timeout" default:"30s" placeholder:"DURATION" group:"Target" help:"Time limit for one delivery, from connecting to the end of the answer."`
	// Format is raw, sqsd, lambda or cloudevents.
	Format string `yaml:"format" name:"format" default:"raw" placeholder:"FORMAT" group:"Target" help:"How a message becomes a request: raw, sqsd (as an Elastic Beanstalk worker gets it), lambda (a function's SQS event) or cloudevents."`
	// Batch is 0 for the format's default; BatchSize has it.
	Batch     int      `yaml:"batch" name:"batch" placeholder:"N" group:"Target" help:"Most messages in one request, 1 to 100, with format lambda or cloudevents. A request is one delivery for --concurrency and --rate. Default: 10 for lambda, else 1."`
	BatchWait Duration `yaml:"batch_wait" name:"batch-wait" default:"0s" placeholder:"DURATION" group:"Target" help:"How long a message waits for others to fill a request, up to 5s. 0s: a request carries those that are there."`
	// Unwrap is none or sns.
	Unwrap string `yaml:"unwrap" name:"unwrap" default:"none" placeholder:"ENVELOPE" group:"Target" help:"sns: deliver the message inside an SNS notification, with its attributes. none: deliver bodies as they are."`
	// Headers are "Name: value" or "Name: @file".
	Headers []string `yaml:"headers" name:"header" placeholder:"NAME: VALUE" group:"Target" help:"Header sent with each delivery; may be repeated. 'Name: @file' reads the value from a file, and again when it changes."`
	TLSCA   string   `yaml:"tls_ca" name:"tls-ca" placeholder:"FILE" group:"Target" help:"CA certificates (PEM) to verify the target with, instead of the system's. Read again when the file changes."`
	TLSCert string   `yaml:"tls_cert" name:"tls-cert" placeholder:"FILE" group:"Target" help:"Client certificate (PEM), for a target that asks for one. Read again when the file changes."`
	TLSKey  string   `yaml:"tls_key" name:"tls-key" placeholder:"FILE" group:"Target" help:"Private key (PEM) of --tls-cert. Read again when the file changes."`
	Auth    Auth     `yaml:"auth" embed:"" group:"Target: who sends it"`
	// OnRejected is retry, dead-letter or discard.
	OnRejected string   `yaml:"on_rejected" name:"on-rejected" default:"retry" placeholder:"POLICY" group:"Target" help:"What to do with a message that the target rejects: retry (the queue's redrive policy decides), dead-letter (send it there with the reason) or discard."`
	Backoff    Duration `yaml:"backoff" name:"backoff" default:"1s" placeholder:"DURATION" group:"Target" help:"Delay when a failed message is released; doubles with each receive."`
	BackoffMax Duration `yaml:"backoff_max" name:"backoff-max" default:"15m" placeholder:"DURATION" group:"Target" help:"Maximum of this delay."`
}

const (
	maxBatch     = 100
	lambdaBatch  = 10 // as Lambda's own default
	maxBatchWait = 5 * time.Second
)

// batchFormats are the formats of which a request may carry several messages.
var batchFormats = []string{"lambda", "cloudevents"}

// BatchSize is how many messages a request carries at most.
func (t Target) BatchSize() int {
	switch {
	case t.Batch > 0:
		return t.Batch
	case t.Format == "lambda":
		return lambdaBatch
	default:
		return 1
	}
}

// validateBatch checks the batch beside the format.
func (t Target) validateBatch(n names) error {
	switch {
	case n.has("batch") && (t.Batch < 1 || t.Batch > maxBatch):
		return n.problem("batch", "%d is not between 1 and %d: use how many messages a request carries, such as 10", t.Batch, maxBatch)
	case t.Batch > 1 && !slices.Contains(batchFormats, t.Format):
		return n.problem("batch", "format %s sends one message a request: set %s to %s, or omit it", t.Format, n.of("format"), oneOf(batchFormats))
	case t.BatchWait < 0 || time.Duration(t.BatchWait) > maxBatchWait:
		return n.problem("batch_wait", "%s is not between 0s and 5s: use a value such as 200ms", t.BatchWait)
	case t.BatchWait > 0 && t.BatchSize() == 1:
		return n.problem("batch_wait", "there is nothing to wait for while a request carries one message: set %s too, or omit it", n.of("batch"))
	}
	return nil
}
