package target

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sqs-poller/poller/internal/message"
)

// A format decides how a message becomes a request, and what an answer means.
type format interface {
	// write sets the body of the request for m, and the headers that are the format's own.
	write(x *exchange, from source, m *message.Message)
	// exceptions are the statuses that differ from their class.
	exceptions() map[int]message.Outcome
	// read reads the answer with a status that means delivered. The failure is nil if the
	// answer says the same. err means that the answer did not complete.
	read(answer *http.Response, m *message.Message) (*failure, error)
}

// A batchFormat puts several messages into one request.
type batchFormat interface {
	format
	// writeBatch is write for several.
	writeBatch(x *exchange, from source, all []*message.Message)
	// readBatch is read for several. failed says which of them failed, if some did and others
	// did not, or if they all were named; it is nil if none did.
	readBatch(answer *http.Response, all []*message.Message) (failed []bool, whole *failure, err error)
	// size is how much of a request m takes at most, in bytes.
	size(m *message.Message) int
}

// formats are all formats, by the names that the setting has for them.
var formats = map[string]format{
	"raw": raw{}, "sqsd": sqsd{}, "lambda": lambda{}, "cloudevents": cloudEvents{},
}

// Formats returns the names of all formats, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// Batches returns the names of the formats of which a request may carry several messages,
// sorted.
func Batches() []string { return []string{"cloudevents", "lambda"} }

// A source is the queue that a message comes from.
type source struct {
	queue string
	// arn and region are empty if the queue's ARN is unknown.
	arn, region string
	// topic is the SNS topic that the message came by, if it was unwrapped.
	topic string
}

// NeedsARN reports whether requests of a format contain the queue's ARN.
func NeedsARN(format string) bool { return format == "lambda" || format == "cloudevents" }

// A failure is what an answer says about a message despite its status.
type failure struct {
	reason string
	// detail completes the sentence "the target …", in our own words.
	detail string
}

// raw sends the body as it is, and everything else in headers.
type raw struct{}

func (raw) write(x *exchange, from source, m *message.Message) {
	x.send(m.Body)
	x.contentType(contentType(m))
	x.head.message(from.queue, m)
	if len(m.Attributes) > 0 {
		x.head.attributes(m.Attributes)
	}
}

func (raw) exceptions() map[int]message.Outcome { return exceptions }

func (raw) read(answer *http.Response, _ *message.Message) (*failure, error) {
	return nil, drop(answer)
}

// send makes text the request's body.
func (x *exchange) send(text string) {
	x.text = text
	x.body.Reset(text)
	x.request.Body = http.NoBody // which net/http knows to have length 0
	if text != "" {
		x.request.Body = io.NopCloser(&x.body) // which net/http knows to be in memory: headers and body in one write
		x.request.ContentLength = int64(len(text))
	}
}

// contentType sets the Content-Type unless there is a configured one.
func (x *exchange) contentType(value []string) {
	if !x.ownType {
		x.head.to["Content-Type"] = value
	}
}

// regionOf returns the region in a queue's ARN, or "".
func regionOf(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" {
		return ""
	}
	return parts[3]
}
