package demo_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

// post sends one message to a handler and gives the answer; code 0 stands for a
// connection that was cut.
func post(ctx context.Context, h http.Handler, id string) (w *httptest.ResponseRecorder) {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/work", strings.NewReader("body"))
	if id != "" {
		r.Header.Set("X-Poller-Message-Id", id)
	}
	w = httptest.NewRecorder()
	defer func() {
		if recover() != nil {
			w.Code = 0
		}
	}()
	h.ServeHTTP(w, r)
	return w
}

func wantStatus(t *testing.T, h http.Handler, want int) {
	t.Helper()
	if got := post(t.Context(), h, "").Code; got != want {
		t.Errorf("answer %d, want %d", got, want)
	}
}

func TestMoreAtOnceThanTheCapacityIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{
			Capacity: 3, Latency: demo.Latency{Min: time.Second, Max: time.Second}, RetryAfter: 1500 * time.Millisecond,
		})
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { wantStatus(t, sink, http.StatusOK) })
		}
		synctest.Wait()
		answer := post(t.Context(), sink, "")
		if answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") != "2" {
			t.Errorf("answer %d, Retry-After %q", answer.Code, answer.Header().Get("Retry-After"))
		}
		group.Wait()
		wantStatus(t, sink, http.StatusOK)

		s := sink.Stats()
		if s.Received != 5 || s.Accepted != 4 || s.Refused["capacity"] != 1 || s.AtOnceMax != 3 || s.AtOnce != 0 {
			t.Errorf("counts %+v", s)
		}
	})
}

func TestMoreThanTheRateInAnyWindowIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Rate: demo.Limit{N: 2, Per: time.Second}, OverloadStatus: 503})
		for _, step := range []struct {
			after time.Duration
			want  int
		}{
			{0, 200},
			{900 * time.Millisecond, 200},
			{50 * time.Millisecond, 503},
			{50 * time.Millisecond, 200}, // the first was a second ago
			{899 * time.Millisecond, 503},
			{1 * time.Millisecond, 200},
			{10 * time.Second, 200},
			{0, 200},
			{0, 503},
		} {
			time.Sleep(step.after)
			wantStatus(t, sink, step.want)
		}
		if s := sink.Stats(); s.Refused["rate"] != 3 || s.PerSecondMax != 4 || s.PerSecond != 3 {
			t.Errorf("counts %+v", s)
		}
	})
}

func TestWhatIsRefusedForTheCapacityDoesNotUseTheRateUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{
			Capacity: 1, Rate: demo.Limit{N: 2, Per: time.Minute}, Latency: demo.Latency{Min: time.Second, Max: time.Second},
		})
		var group sync.WaitGroup
		group.Go(func() { wantStatus(t, sink, 200) })
		synctest.Wait()
		wantStatus(t, sink, 429)
		group.Wait()
		wantStatus(t, sink, 200)
		wantStatus(t, sink, 429)
		if s := sink.Stats(); s.Refused["capacity"] != 1 || s.Refused["rate"] != 1 {
			t.Errorf("counts %+v", s)
		}
	})
}

func TestTheLatencyIsWithinItsRangeAndFillsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Latency: demo.Latency{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond}})
		shortest, longest := time.Hour, time.Duration(0)
		for range 100 {
			begin := time.Now()
			wantStatus(t, sink, 200)
			took := time.Since(begin)
			shortest, longest = min(shortest, took), max(longest, took)
		}
		if shortest < 100*time.Millisecond || shortest > 105*time.Millisecond ||
			longest > 200*time.Millisecond || longest < 195*time.Millisecond {
			t.Errorf("from %s to %s", shortest, longest)
		}
	})
}

func TestOutagesComeAndGoOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Status: 204, Outages: demo.Schedule{
			Outages: []demo.Outage{outage(t, "10s-20s"), outage(t, "20s-30s=404"), outage(t, "40s-50s=reset")},
			Every:   time.Minute,
		}})
		for range 2 {
			for _, want := range []int{204, 503, 404, 204, 0, 204} {
				wantStatus(t, sink, want)
				time.Sleep(10 * time.Second)
			}
		}
		time.Sleep(10 * time.Second)
		if s := sink.Stats(); s.Refused["outage"] != 6 || s.Accepted != 6 || s.Outage != "10s-20s=503" {
			t.Errorf("counts %+v", s)
		}
	})
}

func TestAHangingSinkAnswersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Outages: demo.Schedule{Outages: []demo.Outage{outage(t, "0s-=hang")}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if answer := post(ctx, sink, ""); answer.Code != 0 || ctx.Err() == nil {
			t.Errorf("answer %d after %v", answer.Code, ctx.Err())
		}
	})
}

func TestAClientThatDoesNotWaitIsCountedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Latency: demo.Latency{Min: time.Second, Max: time.Second}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		post(ctx, sink, "a")
		post(t.Context(), sink, "a")
		if s := sink.Stats(); s.Abandoned != 1 || s.Accepted != 1 || s.Duplicates != 0 || s.AtOnce != 0 {
			t.Errorf("counts %+v", s)
		}
	})
}

func TestStatsCountDuplicatesAndAreReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{})
		for _, id := range []string{"a", "b", "a", "", ""} {
			post(t.Context(), sink, id)
		}
		if s := stats(t, sink); s.Received != 5 || s.Accepted != 5 || s.Duplicates != 1 || s.PerSecondMax != 5 {
			t.Errorf("counts %+v", s)
		}
		time.Sleep(time.Minute)
		w := httptest.NewRecorder()
		sink.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/stats", nil))
		if w.Code != http.StatusNoContent {
			t.Errorf("reset answered %d", w.Code)
		}
		post(t.Context(), sink, "a")
		s := stats(t, sink)
		if s.Received != 1 || s.Duplicates != 0 || s.PerSecondMax != 1 || !s.Since.Equal(time.Now()) {
			t.Errorf("counts after the reset %+v", s)
		}
	})
}

func TestTheLagIsTheAgeOfTheLastRequestTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Rate: demo.Limit{N: 1, Per: time.Second}})
		for _, age := range []time.Duration{2500 * time.Millisecond, time.Hour} { // the second is refused
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.Header.Set("X-Poller-Sent-At", time.Now().Add(-age).UTC().Format("2006-01-02T15:04:05.000Z"))
			sink.ServeHTTP(httptest.NewRecorder(), r)
		}
		if got := stats(t, sink).Lag; got != 2.5 {
			t.Errorf("lag %g s, want 2.5", got)
		}
	})
}

func stats(t *testing.T, sink *demo.Sink) demo.Stats {
	t.Helper()
	w := httptest.NewRecorder()
	sink.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/stats", nil))
	var s demo.Stats
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("stats: %v", err)
	}
	return s
}

func outage(t *testing.T, text string) demo.Outage {
	t.Helper()
	var o demo.Outage
	if err := o.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return o
}
