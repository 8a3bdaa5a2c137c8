package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestWhenAMessageWasHandedOut(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		date       time.Duration // by the answer's Date, before noon
		visibility time.Duration
		want       time.Duration // before noon; the prompt moment is noon
	}{
		"the answer is late":                          {13 * time.Second, 15 * time.Second, 13 * time.Second},
		"Date leaves parts of a second open":          {time.Second, 30 * time.Second, time.Second},
		"the same where the visibility is very short": {time.Second, time.Second, time.Second / 4},
		"a late answer with a short visibility":       {3 * time.Second, 2 * time.Second, 3 * time.Second},
		"after the prompt moment":                     {-time.Second, 30 * time.Second, -time.Second},
	} {
		m := &message.Message{HandedOut: noon.Add(-test.date)}
		if got := noon.Sub(handedOut(m, noon, test.visibility)); got != test.want {
			t.Errorf("%s: %s before, want %s", name, got, test.want)
		}
	}
	if got := handedOut(new(message.Message), noon, time.Minute); !got.Equal(noon) {
		t.Errorf("an answer without Date: %s", got)
	}
}

func TestAnswersThatComeLateAreNoReasonToDeliverTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(3*time.Second)
		q.attributes.VisibilityTimeout = 15 * time.Second
		q.late = func(string, int) time.Duration { return 13 * time.Second }
		q.send(900)
		limits := ratelimit.Limits{Concurrency: 10}
		first, second := run(t, q, f, limits, nil), run(t, q, f, limits, nil)
		pass(20 * time.Minute)
		if len(f.doubled) > 0 {
			t.Errorf("delivered twice at the same time: %v", f.doubled)
		}
		for id, n := range f.tried() {
			if n != 1 {
				t.Errorf("%s was delivered %d times", id, n)
			}
		}
		if n := q.left(); n != 0 {
			t.Errorf("%d messages are left", n)
		}
		if s := first.stop().Add(second.stop()); s != (Summary{Delivered: 900}) {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestWhatComesLaterThanItsVisibilityIsNotDelivered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		q.attributes.VisibilityTimeout = 10 * time.Second
		q.late = func(_ string, receives int) time.Duration {
			if receives <= 2 {
				return 11 * time.Second
			}
			return 0
		}
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(20 * time.Second)
		if n := f.deliveries(); n != 0 {
			t.Errorf("%d deliveries of a message that is visible again", n)
		}
		pass(2 * time.Minute)
		if s := e.stop(); s.Delivered != 1 || s.Abandoned != 1 {
			t.Errorf("summary %+v", s)
		}
	})
}
