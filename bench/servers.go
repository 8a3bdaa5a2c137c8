package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"poller/internal/localsqs"
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

// serveSQS is the embedded server, with a count of requests by action at /bench.
func serveSQS(ctx context.Context) error {
	server := localsqs.New()
	defer server.Close()
	var mu sync.Mutex
	counts := make(map[string]int)
	return listen(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bench" {
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(counts)
			clear(counts)
			return
		}
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		mu.Lock()
		counts[action]++
		mu.Unlock()
		server.ServeHTTP(w, r)
	}))
}

// arrivals is what the target has seen since it was last asked.
type arrivals struct {
	N           int
	First, Last time.Time
	// Again is how many came more than once.
	Again int
}

// serveTarget answers at once, and says at /bench what has come.
func serveTarget(ctx context.Context) error {
	var mu sync.Mutex
	var seen arrivals
	ids := make(map[string]bool)
	return listen(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		if r.URL.Path == "/bench" {
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(seen)
			if r.Method == http.MethodDelete {
				seen = arrivals{}
				clear(ids)
			}
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		if seen.N == 0 {
			seen.First = now
		}
		seen.N++
		seen.Last = now
		if id := r.Header.Get("X-Poller-Message-Id"); id != "" {
			if ids[id] {
				seen.Again++
			}
			ids[id] = true
		}
	}))
}
