package target

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// sentAt is RFC 3339 in UTC, to the millisecond.
const sentAt = "2006-01-02T15:04:05.000Z"

// exchange holds everything a request needs in addition to net/http's own allocations.
type exchange struct {
	request *http.Request
	text    string // the request's body
	body    strings.Reader
	head    writer
	ownType bool   // there is a configured Content-Type
	token   *token // that authorizes it, or nil
}

// request creates the one request of a delivery.
//
// It is the only one because an http.ClientConn never repeats a request, unlike an
// http.Transport, which does so for an Idempotency-Key or a refused HTTP/2 stream. (A
// request of which no byte was written is created again for another connection.)
func (t *HTTP) request(ctx context.Context, from source, p parcel) *exchange {
	m := p.first
	static := t.headers.current(ctx)
	x := &exchange{ownType: static.contentType}
	x.head.to = make(http.Header, 7+len(static.lines)+len(m.Attributes))
	x.request = t.template.WithContext(ctx)
	x.request.Header = x.head.to
	static.put(x.request)
	if several, ok := t.format.(batchFormat); ok && p.all != nil {
		several.writeBatch(x, from, p.all)
	} else {
		t.format.write(x, from, m)
	}
	if from.topic != "" {
		x.head.set(topicHeader, from.topic)
	}
	if len(p.all) < 2 { // a batch has no one parent
		x.head.trace(m)
	}
	x.head.finish()
	return x
}

// message writes the headers about the message itself.
func (w *writer) message(queue string, m *message.Message) {
	if m.ID != "" {
		id := w.set("X-Poller-Message-Id", m.ID)
		w.share("Idempotency-Key", "X-Poller-Message-Id", id)
	}
	w.set("X-Poller-Queue", queue)
	w.set("X-Poller-Receive-Count", strconv.Itoa(m.ReceiveCount))
	if !m.SentAt.IsZero() {
		w.set("X-Poller-Sent-At", m.SentAt.In(time.UTC).Format(sentAt))
	}
	if m.GroupID != "" {
		w.set("X-Poller-Group-Id", m.GroupID)
	}
	if m.DeduplicationID != "" {
		w.set("X-Poller-Deduplication-Id", m.DeduplicationID)
	}
}
