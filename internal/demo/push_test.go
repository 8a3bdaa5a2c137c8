package demo_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

// pushing runs a push to a sink until the test ends.
func pushing(t *testing.T, sink *demo.Sink, o demo.PushOptions) *demo.Push {
	t.Helper()
	o.URL, o.Client = "http://downstream/", &http.Client{Transport: direct{sink}}
	push := demo.NewPush(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); push.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return push
}

var threeRetries = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

func TestPushDeliversAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Latency: demo.Latency{Min: time.Second, Max: time.Second}})
		push := pushing(t, sink, demo.PushOptions{Retries: threeRetries, AtOnce: 1000})
		if !push.Stats().Ended {
			t.Error("it has not ended before the first request")
		}
		for range 150 {
			push.Deliver("{}")
		}
		synctest.Wait()
		if s := sink.Stats(); s.AtOnce != 150 || push.Stats().Ended {
			t.Errorf("%d at once", s.AtOnce)
		}
		time.Sleep(2 * time.Second)
		if got, want := push.Stats(), (demo.PushStats{Accepted: 150, Delivered: 150, Ended: true}); got != want {
			t.Errorf("counts %+v", got)
		}
	})
}

func TestPushGivesUpAfterItsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Outages: demo.Schedule{Outages: []demo.Outage{outage(t, "0s-1h")}}})
		push := pushing(t, sink, demo.PushOptions{Retries: threeRetries, AtOnce: 1000})
		for range 10 {
			push.Deliver("{}")
		}
		time.Sleep(3400 * time.Millisecond) // half of all waits
		if s := push.Stats(); s.Dead != 0 {
			t.Errorf("counts too early %+v", s)
		}
		time.Sleep(8 * time.Second) // more than half as much again
		if got, want := push.Stats(), (demo.PushStats{Accepted: 10, Dead: 10, Ended: true}); got != want {
			t.Errorf("counts %+v", got)
		}
		if s := sink.Stats(); s.Received != 40 {
			t.Errorf("%d requests, want 4 each", s.Received)
		}
	})
}

func TestPushDeliversByARetryWhatWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Outages: demo.Schedule{Outages: []demo.Outage{outage(t, "0s-2s")}}})
		push := pushing(t, sink, demo.PushOptions{Retries: threeRetries, AtOnce: 1000})
		push.Deliver("{}")
		time.Sleep(time.Minute)
		if got, want := push.Stats(), (demo.PushStats{Accepted: 1, Delivered: 1, Ended: true}); got != want {
			t.Errorf("counts %+v", got)
		}
	})
}

func TestPushBeginsNoMoreThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Latency: demo.Latency{Min: time.Second, Max: time.Second}})
		push := pushing(t, sink, demo.PushOptions{AtOnce: 3})
		for range 10 {
			push.Deliver("{}")
		}
		time.Sleep(time.Minute)
		push.Deliver("{}")
		time.Sleep(time.Minute)
		if s := sink.Stats(); s.AtOnceMax != 3 || s.Accepted != 11 || !push.Stats().Ended {
			t.Errorf("counts %+v, %+v", s, push.Stats())
		}
	})
}

func TestAPushThatIsEndedLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Outages: demo.Schedule{Outages: []demo.Outage{outage(t, "0s-")}}})
		push := demo.NewPush(demo.PushOptions{
			URL: "http://downstream/", Retries: []time.Duration{time.Hour}, AtOnce: 2,
			Client: &http.Client{Transport: direct{sink}},
		})
		for range 5 {
			push.Deliver("{}")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		push.Run(ctx)
		if got, want := push.Stats(), (demo.PushStats{Accepted: 5}); got != want {
			t.Errorf("counts %+v", got)
		}
	})
}
