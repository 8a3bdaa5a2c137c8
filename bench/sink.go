package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sink is a target that fails on demand: for a while, above a capacity, or for
// some messages. It listens twice: where messages are delivered, which it can close,
// and where the bench asks.
type sink struct {
	address string
	again   func() (net.Listener, error) // opens the port again

	mu     sync.Mutex // guards what follows
	how    sinkWays
	outage outage
	atOnce int
	tries  []try
	minute time.Time // the one that is counted
	taken  int       // in it
	server *http.Server
}

// sinkWays are what it does all the time.
type sinkWays struct {
	Takes    time.Duration // what a message that is taken lasts
	Capacity int           // more concurrent requests get 429; 0: no limit
	Minute   int           // more in a minute of the clock get 429, and each answer says what is left; 0: no limit
	Poison   int           // the status of messages that are poison
}

// outage is a time in which nothing succeeds.
type outage struct {
	How      string // refuse, hang, reset or a status
	From, To time.Time
}

func (o outage) on(now time.Time) bool { return !now.Before(o.From) && now.Before(o.To) }

// try is a message's part in a request, and what became of it.
type try struct {
	At, Answered time.Time
	ID           string
	Status       int // 0: none
	Poison       bool
	First        bool // of its request's messages
}

// sunk is what a sink says.
type sunk struct {
	Address string // where messages are delivered
	Outage  outage
	Tries   []try
}

func serveSink(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	s := &sink{address: address, again: func() (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", address)
	}}
	s.open(l)
	return listen(ctx, http.HandlerFunc(s.control))
}

// open serves at l until it is closed.
func (s *sink) open(l net.Listener) {
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	go func() { _ = server.Serve(l) }()
}

// control is what the bench asks: what was seen at /bench, to behave at
// /bench/ways?WAYS, and an outage from now on at /bench/outage?how=HOW&for=WHILE.
func (s *sink) control(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case strings.HasSuffix(r.URL.Path, "/ways"):
		var ways sinkWays
		if err := json.Unmarshal([]byte(q.Get("ways")), &ways); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		s.how = ways
		s.mu.Unlock()
	case strings.HasSuffix(r.URL.Path, "/outage"):
		while, err := time.ParseDuration(q.Get("for"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.goAway(q.Get("how"), while)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(sunk{Address: "http://" + s.address, Outage: s.outage, Tries: s.tries})
}

func (s *sink) goAway(how string, while time.Duration) {
	s.mu.Lock()
	now := time.Now()
	s.outage = outage{How: how, From: now, To: now.Add(while)}
	server := s.server
	s.mu.Unlock()
	if how != refuse {
		return
	}
	_ = server.Close()
	time.AfterFunc(while, func() {
		l, err := s.again()
		if err != nil {
			progress("the sink's port could not be opened again: %v", err)
			return
		}
		s.mu.Lock()
		s.outage.To = time.Now()
		s.mu.Unlock()
		s.open(l)
	})
}

const (
	refuse = "refuse"
	hang   = "hang"
	reset  = "reset"
)

// ServeHTTP takes a message, or not.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all := parcelsOf(r)
	s.mu.Lock()
	now := time.Now()
	n := len(s.tries)
	for i, p := range all {
		s.tries = append(s.tries, try{At: now, ID: p.id, Poison: p.said.Poison, First: i == 0})
	}
	ways, out := s.how, s.outage
	s.atOnce++
	tooMuch := ways.Capacity > 0 && s.atOnce > ways.Capacity
	if minute := now.Truncate(time.Minute); minute.After(s.minute) {
		s.minute, s.taken = minute, 0
	}
	if ways.Minute > 0 {
		if s.taken >= ways.Minute {
			tooMuch = true
		} else {
			s.taken++
		}
		reset := s.minute.Add(time.Minute).Sub(now)
		w.Header().Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, ways.Minute-s.taken, int(math.Ceil(reset.Seconds()))))
	}
	s.mu.Unlock()
	status := http.StatusOK
	switch {
	case out.on(now):
		status = s.fail(w, r, out.How)
	case tooMuch:
		status = http.StatusTooManyRequests
	default:
		select {
		case <-time.After(ways.Takes):
		case <-r.Context().Done():
			status = 0
		}
	}
	spoiled := s.answered(n, len(all), status, ways.Poison)
	switch {
	case status == 0:
		panic(http.ErrAbortHandler)
	case status == http.StatusOK && isFunction(r):
		_, _ = io.WriteString(w, batchItemFailures(spoiled))
	case status == http.StatusOK && len(spoiled) > 0:
		w.WriteHeader(ways.Poison)
	default:
		w.WriteHeader(status)
	}
}

// answered notes the end of the request of so many tries from the nth on, and returns the ids of
// those that are poison.
func (s *sink) answered(n, messages, status, poison int) (spoiled []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atOnce--
	for i := n; i < n+messages; i++ {
		t := &s.tries[i]
		if t.Status, t.Answered = status, time.Now(); status == http.StatusOK && t.Poison {
			t.Status = poison
			spoiled = append(spoiled, t.ID)
		}
	}
	return spoiled
}

// fail is the status of a request in an outage; 0: it has no answer.
func (s *sink) fail(w http.ResponseWriter, r *http.Request, how string) int {
	switch how {
	case hang: // to the client's time-out, even if the outage is over before
		<-r.Context().Done()
		return 0
	case reset:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
		return 0
	case refuse: // its connection is about to be closed
		return 0
	}
	status, _ := strconv.Atoi(how)
	return status
}

// trial is a stage with a sink for its target and a dead-letter queue.
type trial struct {
	*stage
	dead string
}

func newTrial(ctx context.Context, o options, receives int, ways sinkWays) (*trial, error) {
	s, err := newStageWith(ctx, o, "role-sink")
	if err != nil {
		return nil, err
	}
	t := &trial{stage: s}
	if t.dead, err = s.deadLetters(ctx, receives); err != nil {
		s.close()
		return nil, err
	}
	text, err := json.Marshal(ways)
	if err != nil {
		s.close()
		return nil, err
	}
	var said sunk
	if err := s.target.ask(ctx, "/bench/ways?ways="+url.QueryEscape(string(text)), &said); err != nil {
		s.close()
		return nil, err
	}
	s.to = said.Address
	return t, nil
}

func (t *trial) sunk(ctx context.Context) (sunk, error) {
	var s sunk
	err := t.target.ask(ctx, "/bench", &s)
	return s, err
}

// away begins an outage.
func (t *trial) away(ctx context.Context, how string, while time.Duration) (outage, error) {
	var s sunk
	err := t.target.ask(ctx, fmt.Sprintf("/bench/outage?how=%s&for=%s", how, while), &s)
	if err == nil && s.Outage.How != how {
		err = errors.New("the sink did not go down")
	}
	return s.Outage, err
}

// settled waits until this many messages are in the dead-letter queue and all others
// are gone. Exceeding a limit is not an error: the rows show it.
func (t *trial) settled(ctx context.Context, messages, dead int, limit time.Duration) (sunk, int, error) {
	var all sunk
	buried := 0
	err := until(ctx, limit, func() (bool, error) {
		visible, inFlight, err := t.depth(ctx)
		if err != nil || visible+inFlight > 0 {
			return false, err
		}
		if buried, err = t.buried(ctx); err != nil || buried < dead {
			return false, err
		}
		all, err = t.sunk(ctx)
		return len(all.delivered())+buried >= messages, err
	})
	if err != nil && ctx.Err() == nil {
		progress("  not settled: %v", err)
		if all, err = t.sunk(ctx); err == nil {
			buried, err = t.buried(ctx)
		}
	}
	return all, buried, err
}

// buried is how many messages are in the dead-letter queue.
func (t *trial) buried(ctx context.Context) (int, error) {
	visible, inFlight, err := t.depthOf(ctx, t.dead)
	return visible + inFlight, err
}

// received are the times at which messages were received, one a message.
func (t *trial) received(ctx context.Context) ([]time.Time, error) {
	var at []time.Time
	err := t.queue.ask(ctx, "/bench/received", &at)
	return at, err
}

// delivered is how often each message that was delivered was.
func (s sunk) delivered() map[string]int {
	times := make(map[string]int)
	for _, t := range s.Tries {
		if t.Status == http.StatusOK {
			times[t.ID]++
		}
	}
	return times
}

// count is how many of the tries are so.
func (s sunk) count(so func(try) bool) int {
	return len(slices.Collect(func(yield func(try) bool) {
		for _, t := range s.Tries {
			if so(t) && !yield(t) {
				return
			}
		}
	}))
}
