package queue

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxAnswer bounds a response. Ten messages of 1 MiB, with every byte escaped to six in
// JSON, are 60 MiB.
const maxAnswer = 80 << 20

// keepAnswers is the size up to which a response buffer is reused.
const keepAnswers = 1 << 20

var errAnswerTooLong = errors.New("the answer is too long to be from SQS")

// whole is the HTTP client under the SDK. The SDK closes the request's body as soon as the
// response begins, whereupon net/http may drop the connection before the response has been
// read: a receive would fail after SQS has handed its messages out. So the transport gets
// its own copy of the body, and the SDK a response that has already been read.
type whole struct {
	carrier httpClient
	clock   *clock
	agent   string
}

// Do sends r and returns once the response is complete.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if err := ownBody(r); err != nil {
		return nil, err
	}
	appendAgent(r.Header, w.agent)
	sent := time.Now()
	resp, err := w.carrier.Do(r)
	if err != nil {
		return nil, err
	}
	w.clock.note(sent, time.Now(), resp.Header)
	a, err := readAnswer(resp.Body, resp.ContentLength)
	_ = resp.Body.Close() // it has been read, or is broken
	if err != nil {
		return nil, err
	}
	resp.Body = a
	return resp, nil
}

// ownBody gives r a copy of its body that the transport can read again if a kept
// connection turns out to be closed before anything is sent.
func ownBody(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body := bytes.NewBuffer(make([]byte, 0, max(r.ContentLength, 0)+bytes.MinRead))
	if _, err := body.ReadFrom(r.Body); err != nil {
		return err
	}
	text := body.Bytes()
	r.ContentLength = int64(len(text))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	r.Body, _ = r.GetBody()
	return nil
}

// buffers are reused for the next responses.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// answer is a response body in memory, until it is closed.
type answer struct{ buffer *bytes.Buffer }

func readAnswer(body io.Reader, length int64) (*answer, error) {
	if length > maxAnswer {
		return nil, errAnswerTooLong
	}
	a := &answer{buffer: buffers.Get().(*bytes.Buffer)}
	if length > 0 {
		a.buffer.Grow(int(length) + bytes.MinRead)
	}
	n, err := a.buffer.ReadFrom(io.LimitReader(body, maxAnswer+1))
	if err == nil && n > maxAnswer {
		err = errAnswerTooLong
	}
	if err != nil {
		_ = a.Close()
		return nil, err
	}
	return a, nil
}

// Read implements io.Reader.
func (a *answer) Read(p []byte) (int, error) {
	if a.buffer == nil {
		return 0, io.EOF
	}
	return a.buffer.Read(p)
}

// WriteTo implements io.WriterTo.
func (a *answer) WriteTo(w io.Writer) (int64, error) {
	if a.buffer == nil {
		return 0, nil
	}
	return a.buffer.WriteTo(w)
}

// Close releases the buffer. It may be called twice.
func (a *answer) Close() error {
	if b := a.buffer; b != nil {
		a.buffer = nil
		if b.Cap() <= keepAnswers {
			b.Reset()
			buffers.Put(b)
		}
	}
	return nil
}
