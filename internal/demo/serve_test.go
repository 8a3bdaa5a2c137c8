package demo

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a port in memory: closed, it refuses.
type pipes struct {
	mu    sync.Mutex
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

var errRefused = errors.New("refused")

func (p *pipes) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, errRefused
	}
}

func TestARefusingOutageClosesThePortAndOpensItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := NewSink(SinkOptions{
			Latency: Latency{Min: time.Second, Max: time.Second},
			Outages: Schedule{Outages: []Outage{{From: 10 * time.Second, To: 20 * time.Second, How: Refuse}}, Every: time.Minute},
		})
		var port atomic.Pointer[pipes]
		open := func() net.Listener {
			p := newPipes()
			port.Store(p)
			return p
		}
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return port.Load().dial() }}
		client := &http.Client{Transport: transport}
		defer transport.CloseIdleConnections()
		do := func() error {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sink/", strings.NewReader("x"))
			if err != nil {
				return err
			}
			answer, err := client.Do(r)
			if err != nil {
				return err
			}
			return answer.Body.Close()
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		first := open()
		go func() { ended <- sink.serve(ctx, first, func() (net.Listener, error) { return open(), nil }) }()

		for turn := range 2 {
			if err := do(); err != nil {
				t.Errorf("turn %d, before: %v", turn, err)
			}
			time.Sleep(8500 * time.Millisecond)
			if err := do(); err == nil {
				t.Errorf("turn %d: a request over the outage's begin was answered", turn)
			}
			if err := do(); !errors.Is(err, errRefused) {
				t.Errorf("turn %d, in the outage: %v", turn, err)
			}
			time.Sleep(12 * time.Second)
			if err := do(); err != nil {
				t.Errorf("turn %d, after: %v", turn, err)
			}
			time.Sleep(37 * time.Second)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

func TestAPortThatCannotBeOpenedAgainEndsTheSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := NewSink(SinkOptions{Outages: Schedule{Outages: []Outage{{To: time.Second, How: Refuse}}}})
		err := sink.serve(t.Context(), newPipes(), func() (net.Listener, error) { return nil, errRefused })
		if !errors.Is(err, errRefused) {
			t.Errorf("serve: %v", err)
		}
	})
}

func TestASinkThatIsOutForEverEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := NewSink(SinkOptions{Outages: Schedule{Outages: []Outage{{How: Refuse}}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := sink.serve(ctx, newPipes(), nil); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}
