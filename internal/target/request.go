package target

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"poller/internal/message"
)

// sentAt is RFC 3339 in UTC, to the millisecond.
const sentAt = "2006-01-02T15:04:05.000Z"

// exchange is what one request needs beside what net/http allocates, in one piece.
type exchange struct {
	body strings.Reader
	head writer
}

// request makes the one request of a delivery.
//
// That it is the only one rests on this: a http.ClientConn sends nothing again, as
// http.Transport does because there is an Idempotency-Key, or when HTTP/2 refuses. (A
// request of which not a byte was written is made anew for another connection.)
func (t *HTTP) request(ctx context.Context, queue string, m *message.Message) *http.Request {
	static := t.headers.current(ctx)
	x := &exchange{}
	x.body.Reset(m.Body)
	x.head.to = make(http.Header, 7+len(static.lines)+len(m.Attributes))

	r := t.template.WithContext(ctx)
	r.Header = x.head.to
	r.Body = http.NoBody // of which net/http says that its length is 0
	if m.Body != "" {
		r.Body = io.NopCloser(&x.body) // known to net/http as in memory: head and body in one write
		r.ContentLength = int64(len(m.Body))
	}
	static.put(r)
	if !static.contentType {
		x.head.to["Content-Type"] = contentType(m)
	}
	x.head.message(queue, m)
	return r
}

// message writes what the contract says of the message itself.
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
	if len(m.Attributes) > 0 {
		w.attributes(m.Attributes)
	}
	w.trace(m)
	w.finish()
}
