package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
	"github.com/sqs-poller/poller/internal/localsqs"
)

const (
	demoQueue       = "orders"
	demoConcurrency = 8
	demoVisibility  = 15 * time.Second
	demoTimeout     = 5 * time.Second
)

// pushAtOnce is how many functions run concurrently in an AWS account.
const pushAtOnce = 1000

// stage is everything that plays in the demo, in one process.
type stage struct {
	play    play
	sqs     *localsqs.Server
	door    *demo.FrontDoor
	sink    *demo.Sink
	traffic *demo.Traffic
	daemon  *app.App
	// What would have become of the same traffic without a queue: a push, to a
	// downstream of the same kind.
	push     *demo.Push
	pushSink *demo.Sink
	line     *liveLine // nil: no terminal

	sqsURL, queueURL, doorURL, sinkURL, pushSinkURL, statusURL string

	opened   time.Time
	doorHTTP *http.Server
	failed   chan error    // of a server, or of the daemon, that ended too early
	drain    func()        // stops the daemon
	drained  chan struct{} // closed when it has ended
	stop     func()        // ends everything
	parts    sync.WaitGroup
	restore  func() // restores the process's AWS settings

	deadAtEnd int // what the dead-letter queue held when SQS was closed
}

// open starts everything but the traffic.
func (c *demoCmd) open(p *process, shown play) (s *stage, err error) {
	s = &stage{
		play:     shown,
		sqs:      localsqs.New(),
		sink:     demo.NewSink(shown.sink),
		pushSink: demo.NewSink(shown.sink),
		opened:   time.Now(),
		failed:   make(chan error, 5),
		drained:  make(chan struct{}),
		restore:  func() {},
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(p.drain))
	s.stop = stop
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if p.terminal {
		s.line = newLiveLine(p.stdout)
	}
	if err := s.openQueue(ctx); err != nil {
		return nil, err
	}
	if err := s.openSinks(ctx); err != nil {
		return nil, err
	}
	if err := s.openDoor(ctx); err != nil {
		return nil, err
	}
	if err := s.openDaemon(ctx, p, c); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *stage) openQueue(ctx context.Context) error {
	if _, err := s.sqs.CreateQueue(deadLetterName(demoQueue), nil); err != nil {
		return err
	}
	if _, err := s.sqs.CreateQueue(demoQueue, map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(demoVisibility.Seconds())),
		"RedrivePolicy":     redrivePolicy(deadLetterName(demoQueue), s.play.receives),
	}); err != nil {
		return err
	}
	l, err := listenNear(ctx, 9324)
	if err != nil {
		return err
	}
	s.sqsURL = "http://" + l.Addr().String()
	s.queueURL = s.sqsURL + "/000000000000/" + demoQueue
	s.serve(ctx, l, demo.NewServer(ctx, s.sqs))
	return nil
}

// openSinks opens the downstream of the poller and that of the push.
func (s *stage) openSinks(ctx context.Context) error {
	for _, one := range []struct {
		sink *demo.Sink
		port int
		url  *string
	}{{s.sink, 8081, &s.sinkURL}, {s.pushSink, 8082, &s.pushSinkURL}} {
		l, err := listenNear(ctx, one.port)
		if err != nil {
			return err
		}
		*one.url = "http://" + l.Addr().String()
		s.parts.Go(func() {
			if err := one.sink.Serve(ctx, l); err != nil {
				s.failed <- err
			}
		})
	}
	return nil
}

// openDoor opens the front door, and starts to push what it accepts.
func (s *stage) openDoor(ctx context.Context) error {
	door, err := listenNear(ctx, 8080)
	if err != nil {
		return err
	}
	s.doorURL = "http://" + door.Addr().String() + "/example"
	client := clientUntil(ctx, 64, 10*time.Second)
	s.push = demo.NewPush(demo.PushOptions{
		URL: s.pushSinkURL + "/orders", Retries: s.play.retries, AtOnce: pushAtOnce,
		Client: clientUntil(ctx, 256, demoTimeout),
	})
	s.parts.Go(func() { s.push.Run(ctx) })
	send := sender(client, s.sqsURL, s.queueURL)
	s.door = demo.NewFrontDoor(func(ctx context.Context, body string) (string, error) {
		id, err := send(ctx, body)
		if err == nil {
			s.push.Deliver(body)
		}
		return id, err
	})
	s.traffic = &demo.Traffic{URL: s.doorURL, Burst: s.play.burst, Every: s.play.every, Client: client}
	s.doorHTTP = demo.NewServer(ctx, s.door)
	s.serve(ctx, door, s.doorHTTP)
	return nil
}

// clientUntil is an HTTP client whose idle connections are closed when ctx is done.
func clientUntil(ctx context.Context, idle int, timeout time.Duration) *http.Client {
	connections := &http.Transport{MaxIdleConnsPerHost: idle}
	context.AfterFunc(ctx, connections.CloseIdleConnections)
	return &http.Client{Transport: connections, Timeout: timeout}
}

// openDaemon starts the poller itself, as `poller run` does.
func (s *stage) openDaemon(ctx context.Context, p *process, c *demoCmd) error {
	status, err := listenNear(ctx, 9500)
	if err != nil {
		return err
	}
	s.statusURL = "http://" + status.Addr().String() + "/"
	s.restore = useAWSSettings(s.sqsURL)
	level := new(slog.LevelVar)
	level.Set(slog.Level(c.LogLevel))
	s.daemon, err = app.New(ctx, config.Config{
		Queues: []config.Queue{{Queue: s.queueURL, Target: "downstream", Gather: config.Duration(20 * time.Millisecond), Weight: 1}},
		Targets: map[string]config.Target{"downstream": {
			URL: s.sinkURL + "/orders", Concurrency: cmp.Or(s.play.concurrency, demoConcurrency), Rate: c.Rate, Burst: 1, Adaptive: s.play.adaptive,
			Quotas: s.play.quotas(), FollowLimits: s.play.sink.Saying != "",
			Timeout: config.Duration(demoTimeout), Format: "raw",
			Backoff: config.Duration(time.Second), BackoffMax: config.Duration(10 * time.Second),
		}},
		DrainTimeout: config.Duration(25 * time.Second),
		Listen:       status.Addr().String(),
	}, app.Options{
		Logger:   newLogger(s.logs(p), "text", p, level),
		Level:    level,
		Build:    build(),
		Listener: status,
	})
	if err != nil {
		_ = status.Close()
		return err
	}
	drain, stop := context.WithCancel(ctx)
	s.drain = stop
	now, cut := context.WithCancel(p.now)
	context.AfterFunc(ctx, cut)
	s.parts.Go(func() {
		defer close(s.drained)
		if _, err := s.daemon.Run(drain, now); err != nil {
			s.failed <- err
		}
	})
	return nil
}

// logs is where the daemon logs to, until the second signal: what it has to leave
// then is of no use to anybody, since the queue ends as well.
func (s *stage) logs(p *process) io.Writer {
	logs := p.stderr
	if s.line != nil {
		logs = s.line.above(logs)
	}
	return writer(func(text []byte) (int, error) {
		select {
		case <-p.now.Done():
			return len(text), nil
		default:
			return logs.Write(text)
		}
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(text []byte) (int, error) { return w(text) }

// serve answers until ctx is done or the server is shut down.
func (s *stage) serve(ctx context.Context, l net.Listener, server *http.Server) {
	context.AfterFunc(ctx, func() { _ = server.Close() })
	s.parts.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve at %s: %w", l.Addr(), err)
		}
	})
}

// closeDoor takes no more requests; those that are being answered are.
func (s *stage) closeDoor(now context.Context) {
	ctx, cancel := context.WithTimeout(now, demoTimeout)
	defer cancel()
	_ = s.doorHTTP.Shutdown(ctx) // one that takes longer is cut at the end
}

// settled reports whether all that was sent is settled, and the push has ended too.
func (s *stage) settled() bool {
	visible, inFlight, delayed, ok := s.sqs.Depth(demoQueue)
	return ok && visible+inFlight+delayed == 0 && s.push.Stats().Ended
}

// deadLetters is how many messages are in the dead-letter queue.
func (s *stage) deadLetters() int {
	visible, inFlight, delayed, _ := s.sqs.Depth(deadLetterName(demoQueue))
	return visible + inFlight + delayed
}

// stopDaemon drains the daemon; nothing is on its queue.
func (s *stage) stopDaemon(now context.Context) {
	s.drain()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for draining := false; !draining; draining = s.daemon.Status(time.Now()).Draining {
		select {
		case <-tick.C:
		case <-s.drained:
			return
		case <-now.Done():
			return
		}
	}
	// A parked poll may last 20 s more: a server that closes answers it immediately.
	s.deadAtEnd = s.deadLetters()
	s.sqs.Close()
	select {
	case <-s.drained:
	case <-now.Done():
	}
}

// close ends whatever still runs, and waits for it.
func (s *stage) close() {
	s.stop()
	s.sqs.Close()
	s.parts.Wait()
	s.restore()
}
