package queue

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheClocksOffsetIsTheMedianOfTheLastAnswers(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		took  time.Duration
		dates []time.Duration // on SQS's clock, relative to the response's arrival on ours
		want  time.Duration
	}{
		{"no answers", 0, nil, 0},
		{"the same clock", 0, []time.Duration{0}, 0},
		{"under two seconds do not count", 0, []time.Duration{time.Second}, 0},
		{"ahead", 0, []time.Duration{10 * time.Second}, 10*time.Second + 500*time.Millisecond},
		{"behind", 0, []time.Duration{-time.Hour}, -time.Hour + 500*time.Millisecond},
		{"one that is far off", 0, []time.Duration{0, 0, time.Hour}, 0},
		{"the middle of a call", time.Second, []time.Duration{10 * time.Second}, 11 * time.Second},
		{"the end of a long poll", 20 * time.Second, []time.Duration{0}, 0},
		{
			"the last nine", 0,
			[]time.Duration{time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, 0, 0, 0, 0, 0},
			0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := new(clock)
			for i, date := range tt.dates {
				came := epoch.Add(time.Duration(i) * time.Minute)
				c.note(came.Add(-tt.took), came, http.Header{"Date": {came.Add(date).Format(http.TimeFormat)}})
			}
			if got := c.now(); got != tt.want {
				t.Fatalf("offset %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnAnswerWithoutADateOrOutOfACacheTellsNothing(t *testing.T) {
	c := new(clock)
	now := time.Now()
	late := now.Add(time.Hour).UTC().Format(http.TimeFormat)
	c.note(now, now, http.Header{})
	c.note(now, now, http.Header{"Date": {"yesterday"}})
	c.note(now, now, http.Header{"Date": {late}, "Age": {"3600"}})
	if got := c.now(); got != 0 {
		t.Fatalf("offset %s", got)
	}
}

func TestAnIdleQueueHasNoClockOffset(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		for range 20 {
			if _, err := b.Receive(t.Context(), 10, 20*time.Second, 0, ""); err != nil {
				t.Fatal(err)
			}
		}
		if got := b.ClockOffset(); got != 0 {
			t.Fatalf("offset %s", got)
		}
	})
}
