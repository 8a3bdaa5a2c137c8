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

// identity says that a body has no transfer encoding.
var identity = []string{"identity"}

// request makes the one request of a delivery.
//
// That it is the only one rests on this: net/http sends again what has no body or
// can rewind it, on a kept connection that turns out dead because there is an
// Idempotency-Key, and over HTTP/2 when the stream is refused or the target goes
// away. So the body is always there, an empty one too, and GetBody never is.
// (Requests of which not a byte was written may still move to another connection.)
func (t *HTTP) request(ctx context.Context, queue string, m *message.Message) *http.Request {
	static := t.headers.current(ctx)
	x := &exchange{}
	x.body.Reset(m.Body)
	x.head.to = make(http.Header, 7+len(static.lines)+len(m.Attributes))

	r := t.template.WithContext(ctx)
	r.Header = x.head.to
	r.Body = io.NopCloser(&x.body) // known to net/http as in memory: head and body in one write
	r.ContentLength = int64(len(m.Body))
	if m.Body == "" {
		// A length of 0 with a body means unknown. This says that there is no encoding
		// and, in a spelling that net/http does not take for its own, that the length is
		// 0: some servers refuse a POST that does not say so. HTTP/2 leaves it out.
		r.TransferEncoding = identity
		x.head.to["content-length"] = zero
	}
	static.put(r)
	if !static.contentType {
		x.head.to["Content-Type"] = contentType(m)
	}
	x.head.message(queue, m)
	return r
}

var zero = []string{"0"}

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
