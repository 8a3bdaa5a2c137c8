package app

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/sqs-poller/poller/internal/localsqs"
)

// direct connects an SQS client to the embedded server without a network. away, if set,
// returns the error to fail with; denied is an action that SQS denies.
type direct struct {
	server *localsqs.Server
	away   func(action string) error
	denied string
}

func (d *direct) Do(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if d.away != nil {
		if err := d.away(action); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	if action == d.denied {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}`)
		return w.Result(), nil
	}
	d.server.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// inMemory is a listener whose connections are inMemory.
type inMemory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newInMemory() *inMemory { return &inMemory{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *inMemory) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *inMemory) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *inMemory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9500} }

func (p *inMemory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, errors.New("connection refused: no listener")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
