package target

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"github.com/sqs-poller/poller/internal/message"
)

// DeliverBatch is Deliver for several messages in one request, of a target that was made
// with Batch over 1. If the answer tells them apart, each has a result of its own; else each
// is nil, and whole is everybody's.
func (r Route) DeliverBatch(ctx context.Context, queue string, all []*message.Message) (whole message.Result, each []message.Result) {
	from := r.from
	from.queue = queue
	return r.target.deliverBatch(ctx, from, all)
}

// SizeInBatch returns how much of a request m takes at most, in bytes.
func (r Route) SizeInBatch(m *message.Message) int {
	if f, ok := r.target.format.(batchFormat); ok {
		return f.size(m)
	}
	return m.Size()
}

func (t *HTTP) deliverBatch(ctx context.Context, from source, all []*message.Message) (whole message.Result, each []message.Result) {
	if ctx.Err() != nil {
		return canceled(ctx), nil
	}
	inner := make([]*message.Message, len(all))
	for i, m := range all {
		topic := ""
		inner[i], topic = t.inside.open(ctx, from.queue, m)
		if i == 0 {
			from.topic = topic
		} else if topic != from.topic {
			from.topic = "" // the header would be wrong for some
		}
	}
	limit := t.limits.begin(ctx)
	whole, failed, clean := t.exchange(ctx, limit.ctx, from, parcel{inner[0], inner})
	t.limits.release(limit, clean)
	if failed == nil {
		return whole, nil
	}
	each = make([]message.Result, len(all))
	for i := range each {
		each[i] = whole
		if failed[i] {
			each[i].Outcome, each[i].Reason = answered[itemFailure.reason], itemFailure.reason
			each[i].Err = fmt.Errorf("%s %s", t.place, itemFailure.detail)
		}
	}
	return whole, each
}

// parcel is what one request carries.
type parcel struct {
	first *message.Message
	all   []*message.Message // nil if first is alone
}

// id is what a signature names the request by. A batch has one of its own: a receiver that
// knows it already must not take a message, tried again alone, for the same.
func (p parcel) id() string {
	if len(p.all) < 2 {
		return p.first.ID
	}
	sum := sha256.New()
	for _, m := range p.all {
		_, _ = sum.Write([]byte(m.ID + "\n")) // never fails
	}
	return "batch-" + hex.EncodeToString(sum.Sum(nil)[:16])
}

func idsOf(all []*message.Message) []string {
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.ID
	}
	return ids
}

const (
	// perEvent is what a message takes in an event beside its texts: the names of its fields,
	// and the values that have a bounded length.
	perEvent     = 1 << 10
	perAttribute = 128
)

// sizeInJSON returns how much JSON m becomes at most.
func sizeInJSON(m *message.Message) int {
	n := perEvent + textInJSON(m.Body) + textInJSON(m.ID) + textInJSON(m.SenderID) + textInJSON(m.SequenceNumber) +
		textInJSON(m.GroupID) + textInJSON(m.DeduplicationID) + textInJSON(m.TraceHeader)
	for name, a := range m.Attributes {
		n += perAttribute + textInJSON(name) + textInJSON(a.DataType) + textInJSON(a.StringValue) + base64.StdEncoding.EncodedLen(len(a.BinaryValue))
	}
	return n
}

// textInJSON returns the length of a text as a JSON string, at most.
func textInJSON(text string) int {
	n := len(text) + 2
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if i++; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
				n += 5
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if i += size; r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			n += 5
		}
	}
	return n
}
