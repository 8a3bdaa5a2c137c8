package queue

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	// smallAnswer is the size up to which an answer is read immediately.
	smallAnswer = 128 << 10
	// window is the size over which an answer is read message by message. It holds a body of
	// the largest size, if nothing in it is escaped.
	window = 1<<20 + 64<<10
)

// Admit waits until there is room for an answer of a receive, which takes that many bytes
// while it is read.
type Admit = func(ctx context.Context, bytes int)

// windows are reused for the next answers.
var windows = sync.Pool{New: func() any {
	w := make([]byte, 0, window)
	return &w
}}

// messages reads the answer to a ReceiveMessage request. An answer that is not small stays
// in its socket until there is room for its messages and for what they are read from.
func (w *wire) messages(ctx context.Context, answer *http.Response, admit Admit) ([]*message.Message, error) {
	if admit == nil {
		admit = func(context.Context, int) {}
	}
	n := answer.ContentLength
	if n > maxAnswer {
		return nil, errAnswerTooLong
	}
	if n > smallAnswer {
		admit(ctx, int(n+min(n, window)))
	}
	if n >= 0 && n <= window {
		whole, err := readAnswer(answer.Body, n)
		if err != nil {
			return nil, err
		}
		defer func() { _ = whole.Close() }()
		return decodeMessages(newScanner(whole.buffer.Bytes(), nil))
	}
	from := &admitted{body: answer.Body, ctx: ctx, admit: admit, promised: n + window}
	if n < 0 {
		from.promised = smallAnswer
	}
	first := windows.Get().(*[]byte)
	s := newScanner((*first)[:0], from)
	messages, err := decodeMessages(s)
	if cap(s.window) <= 2*window {
		*first = s.window
		windows.Put(first)
	}
	if err == nil { // what is left is white space, and the connection is used again
		_, _ = io.CopyN(io.Discard, answer.Body, bytesLeft)
	}
	return messages, err
}

// bytesLeft is how much may follow an answer's JSON.
const bytesLeft = 512

// admitted reads an answer. If its length is not known, it asks for room once it turns out
// to be large, and after that takes what it needs.
type admitted struct {
	body     io.Reader
	ctx      context.Context //nolint:containedctx // of the call that it is part of
	admit    Admit
	read     int64
	promised int64
}

// Read implements io.Reader.
func (a *admitted) Read(p []byte) (int, error) {
	if a.read >= a.promised {
		a.promised = a.read + 2*window
		a.admit(a.ctx, int(a.promised))
		done, cancel := context.WithCancel(a.ctx)
		cancel()
		a.ctx = done // it has waited
	}
	n, err := a.body.Read(p[:min(int64(len(p)), a.promised-a.read)])
	if a.read += int64(n); a.read > maxAnswer {
		return 0, errAnswerTooLong
	}
	return n, err
}
