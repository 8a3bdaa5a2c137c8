package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/localsqs"
)

// listen prints the address for the process that started this one.
func listen(ctx context.Context, h http.Handler) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// requests are those to SQS, by action.
type requests struct {
	Actions      map[string]int
	FirstReceive time.Time
}

func (r requests) total() int {
	sum := 0
	for _, n := range r.Actions {
		sum += n
	}
	return sum
}

// serveSQS is the embedded server. At /bench it says what was asked since the last
// time, without the bench's own requests, and at /bench/received when messages were
// received, since the start.
func serveSQS(ctx context.Context) error {
	server := localsqs.New()
	defer server.Close()
	var mu sync.Mutex
	seen := requests{Actions: make(map[string]int)}
	received := []time.Time{}
	return listen(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bench/received" {
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(received)
			return
		}
		if r.URL.Path == "/bench" {
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(seen)
			seen = requests{Actions: make(map[string]int)}
			return
		}
		if !strings.Contains(r.UserAgent(), ourselves) {
			_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			mu.Lock()
			seen.Actions[action]++
			if action == "ReceiveMessage" && seen.FirstReceive.IsZero() {
				seen.FirstReceive = time.Now()
			}
			mu.Unlock()
			if action == "ReceiveMessage" {
				w = &receives{ResponseWriter: w, note: func(n int) {
					mu.Lock()
					defer mu.Unlock()
					received = append(received, slices.Repeat([]time.Time{time.Now()}, n)...)
				}}
			}
		}
		server.ServeHTTP(w, r)
	}))
}

// receives counts the messages of an answer. A body cannot be taken for one: its
// quotation marks are escaped.
type receives struct {
	http.ResponseWriter
	note func(n int)
}

func (r *receives) Write(answer []byte) (int, error) {
	if n := bytes.Count(answer, []byte(`"ReceiptHandle":`)); n > 0 {
		r.note(n)
	}
	return r.ResponseWriter.Write(answer)
}

func (r *receives) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// body is what a message says to the target where it matters.
type body struct {
	Sent int64 // Unix nanoseconds
	Slow bool
	Pad  string `json:",omitempty"`
	// Poison is what a sink never takes.
	Poison bool `json:",omitempty"`
}

func (b body) String() string {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// arrivals are what the target has seen.
type arrivals struct {
	Different int // messages that were answered, by their ids
	Again     int // times that a message came that had come before
	Running   int
	Cut       int // messages whose client went away before the answer
	Requests  int
	First     time.Time
	Last      time.Time // the last answer
	// At is when the requests came, Took how long after they were sent, both in
	// nanoseconds. They are given at /bench/log.
	At, Took []int64 `json:",omitempty"`
}

const (
	quick = 5 * time.Millisecond
	slow  = 3 * time.Second
)

// target answers at once at / and as a function, after a while at /sleep/WHILE, and at
// /mixed after what the message says.
type target struct {
	mu   sync.Mutex // guards what follows
	seen arrivals
	came map[string]bool // ids; true: answered
}

func serveTarget(ctx context.Context) error {
	return listen(ctx, &target{came: make(map[string]bool)})
}

// ServeHTTP implements http.Handler.
func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if log, ok := strings.CutPrefix(r.URL.Path, "/bench"); ok {
		t.say(w, log != "")
		return
	}
	came := time.Now()
	var wait time.Duration
	all := []parcel{{id: r.Header.Get("X-Poller-Message-Id")}}
	switch while, asleep := strings.CutPrefix(r.URL.Path, "/sleep/"); {
	case r.URL.Path == "/":
		_, _ = io.Copy(io.Discard, r.Body)
	case asleep:
		_, _ = io.Copy(io.Discard, r.Body)
		wait, _ = time.ParseDuration(while)
	default:
		all = parcelsOf(r)
		if wait = quick; all[0].said.Slow {
			wait = slow
		}
		if r.URL.Path == "/trickle" || isFunction(r) {
			wait = 0
		}
	}
	t.begin(came, all)
	cut := false
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			cut = true
		}
	}
	t.end(all, cut)
}

func (t *target) begin(came time.Time, all []parcel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen.First.IsZero() {
		t.seen.First = came
	}
	t.seen.Requests++
	for _, p := range all {
		t.seen.Running++
		t.seen.At = append(t.seen.At, came.UnixNano())
		if p.said.Sent > 0 {
			t.seen.Took = append(t.seen.Took, came.UnixNano()-p.said.Sent)
		}
		if _, again := t.came[p.id]; again {
			t.seen.Again++
		} else {
			t.came[p.id] = false
		}
	}
}

func (t *target) end(all []parcel, cut bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.Last = time.Now()
	for _, p := range all {
		t.seen.Running--
		switch {
		case cut:
			t.seen.Cut++
		case !t.came[p.id]:
			t.came[p.id] = true
			t.seen.Different++
		}
	}
}

func (t *target) say(w http.ResponseWriter, log bool) {
	t.mu.Lock()
	said := t.seen
	t.mu.Unlock()
	if !log {
		said.At, said.Took = nil, nil
	}
	_ = json.NewEncoder(w).Encode(said)
}
