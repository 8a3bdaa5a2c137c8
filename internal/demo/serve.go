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

// NewServer returns the HTTP server for everything in this package. Its requests end with
// ctx, it drops slow clients, and it does not log clients' errors.
func NewServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
}

// Serve serves on the listener until ctx is done, and closes it. During outages of the
// kind Refuse the port and all its connections are closed, and the port is reopened
// afterwards.
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
			return fmt.Errorf("reopen the port after an outage: %w", err)
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
