package demo_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

// direct answers requests without a network.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestTrafficComesInBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Status: 202, Latency: demo.Latency{Min: time.Millisecond, Max: time.Millisecond}})
		traffic := &demo.Traffic{URL: "http://door/example", Burst: 150, Every: 6 * time.Second, Client: &http.Client{Transport: direct{sink}}}
		ctx, cancel := context.WithTimeout(t.Context(), 13*time.Second)
		defer cancel()
		traffic.Run(ctx)
		if sent, failed := traffic.Sent(); sent != 450 || failed != 0 {
			t.Errorf("%d sent, %d failed", sent, failed)
		}
		if s := sink.Stats(); s.Accepted != 450 || s.PerSecondMax != 150 {
			t.Errorf("counts %+v", s)
		}
	})
}

func TestTrafficStopsInTheMiddleOfABurstAndFinishesWhatItHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Latency: demo.Latency{Min: time.Second, Max: time.Second}})
		traffic := &demo.Traffic{URL: "http://door/example", Burst: 150, Every: time.Minute, Client: &http.Client{Transport: direct{sink}}}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		traffic.Run(ctx)
		sent, failed := traffic.Sent()
		if s := sink.Stats(); sent != 32 || failed != 32 || s.Accepted != 32 || s.Abandoned != 0 {
			t.Errorf("%d sent, %d not answered with 202, counts %+v", sent, failed, s)
		}
	})
}
