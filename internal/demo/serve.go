package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// NewServer is the HTTP server of everything here: its requests end with ctx, it
// gives a slow client up, and it does not write what clients do wrong.
func NewServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
}

// Serve answers on the listener until ctx is done, and closes it. In outages of
// the kind Refuse the port is closed, with all its connections, and opened again
// after.
func (s *Sink) Serve(ctx context.Context, l net.Listener) error {
	again := func() (net.Listener, error) {
		var c net.ListenConfig
		return c.Listen(ctx, l.Addr().Network(), l.Addr().String())
	}
	return s.serve(ctx, l, again)
}

func (s *Sink) serve(ctx context.Context, l net.Listener, again func() (net.Listener, error)) error {
	for {
		if err := s.serveWhileOpen(ctx, l); err != nil || ctx.Err() != nil {
			return err
		}
		if !s.waitUntil(ctx, false) {
			return nil
		}
		var err error
		if l, err = again(); err != nil {
			return fmt.Errorf("open the port again after an outage: %w", err)
		}
	}
}

// serveWhileOpen serves until the port is to be closed.
func (s *Sink) serveWhileOpen(ctx context.Context, l net.Listener) error {
	watch, stop := context.WithCancel(ctx)
	defer stop()
	server := NewServer(watch, s)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.waitUntil(watch, true)
		_ = server.Close()
	}()
	err := server.Serve(l)
	stop()
	<-closed
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// waitUntil returns when the port is to be closed, or open; false when ctx is done.
func (s *Sink) waitUntil(ctx context.Context, closed bool) bool {
	for {
		since := s.since()
		outage, on := s.options.Outages.at(since)
		if (on && outage.How == Refuse) == closed {
			return true
		}
		change := s.options.Outages.next(since)
		if change == never {
			<-ctx.Done()
			return false
		}
		timer := time.NewTimer(change)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}
