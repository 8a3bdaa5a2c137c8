package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configure a Server. All are required except Control.
type Options struct {
	Gatherer prometheus.Gatherer
	// Status returns the status; Server fills in the fields that are marked so.
	Status func(now time.Time) Status
	// Ready returns what keeps the daemon from working; nil if it is ready.
	Ready func(now time.Time) []Problem
	// Healthy returns the loops that are stuck; nil if none is.
	Healthy func(now time.Time) []Problem
	Build   Build
	Logger  *slog.Logger
	// Control has the control API; nil means that the port is read-only.
	Control *Control
}

// Server serves the admin port.
type Server struct {
	options Options
	history history
	control *control // nil if the port is read-only
	http    http.Server
	ended   chan struct{}
	end     sync.Once
}

// Timeouts for clients. Responses are small and made immediately, so only a client that
// does not read or write is slow, and it must not hold a connection for long.
const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
	headerBytes  = 16 << 10
)

// New returns a server. Serve starts it.
func New(o Options) *Server {
	s := &Server{options: o, ended: make(chan struct{})}
	if o.Control != nil {
		s.control = newControl(*o.Control, o.Logger)
	}
	s.http = http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          errorLog(o.Logger),
	}
	return s
}

// Serve serves on l until Close, and closes l. It returns nil after Close.
func (s *Server) Serve(l net.Listener) error {
	var sampling sync.WaitGroup
	sampling.Go(s.sample)
	defer sampling.Wait()
	defer s.end.Do(func() { close(s.ended) })
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the admin port: %w", err)
	}
	return nil
}

// Close stops the server. Responses in progress are finished until ctx is done, and then
// cut off. The admin server is closed last, so that the final metrics can be scraped.
// Serve returns soon afterwards.
func (s *Server) Close(ctx context.Context) error {
	s.end.Do(func() { close(s.ended) })
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("close the admin port: %w", err), s.http.Close())
	}
	return nil
}

// sample records the history until Close, and has the log told of refused requests.
func (s *Server) sample() {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		now := time.Now()
		s.history.add(now, s.options.Status(now))
		if s.control != nil {
			s.control.rest(now)
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return
		}
	}
}

// status returns the daemon's status with the server's fields filled in.
func (s *Server) status(now time.Time) Status {
	st := s.options.Status(now)
	st.At = now.UTC().Truncate(time.Millisecond)
	st.Build = s.options.Build
	st.Uptime = Seconds(now.Sub(st.StartedAt))
	st.NotReady = append([]Problem{}, s.options.Ready(now)...)
	st.Unhealthy = append([]Problem{}, s.options.Healthy(now)...)
	st.Ready, st.Healthy = len(st.NotReady) == 0, len(st.Unhealthy) == 0
	st.Control = s.options.Control != nil
	s.history.complete(now, &st)
	st.assess(now)
	return st
}
