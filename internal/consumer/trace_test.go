package consumer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// spans are what the deliveries of one message noted, in one line each.
type spans struct {
	mu    sync.Mutex
	lines []string
}

// fakeSpan is one delivery's.
type fakeSpan struct {
	of    *spans
	ended bool
}

func (s *fakeSpan) TraceID() string { return "4bf92f3577b34da6a3ce929d0e0e4736" }

func (s *fakeSpan) Note(_ time.Time, events ...message.Event) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	line := ""
	if s.ended {
		line = "later: "
	}
	for i, e := range events {
		if i > 0 {
			line += ", "
		}
		line += strings.Join(strings.Fields(fmt.Sprintf("%s %s", e.Name, e.SettledAs)), " as ")
		if e.Strikes > 0 {
			line += fmt.Sprintf(" with %d", e.Strikes)
		}
	}
	s.of.lines = append(s.of.lines, line)
}

func (s *fakeSpan) End() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.ended = true
	s.of.lines = append(s.of.lines, "end")
}

// traceOf gives the deliveries of one message spans. The others have none.
func traceOf(f *fakeTarget, id string, answer func(m *message.Message) message.Result) *spans {
	of := new(spans)
	f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
		result := answer(m)
		if m.ID == id {
			result.Span = &fakeSpan{of: of}
		}
		return result, 100 * time.Millisecond
	}
	return of
}

func (s *spans) is(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.lines, want) {
		t.Errorf("noted\n%s\nnot\n%s", strings.Join(s.lines, "\n"), strings.Join(want, "\n"))
	}
}

var (
	down503   = message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}
	poison500 = message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}
)

func TestTheTraceOfAPoisonMessageSaysHeldThenGivenUpAndReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		noted := traceOf(f, "m7", func(m *message.Message) message.Result {
			if m.ID == "m7" {
				return poison500
			}
			return delivered2xx
		})
		q.send(40)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 4}, func(o *Options) { o.Backoff, o.BackoffMax = time.Hour, time.Hour })
		pass(20 * time.Second)
		noted.is(t, "held", "end", "later: given_up with 1, released as failed")
		e.stop()
	})
}

func TestTheTraceOfAMessageInAnOutageSaysHeldProbeAndItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		answer := down503
		noted := traceOf(f, "m0", func(*message.Message) message.Result { return answer })
		q.send(5)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 5}, nil)
		pass(1200 * time.Millisecond) // the gate has closed
		noted.mu.Lock()
		first := len(noted.lines)
		if got := strings.Join(noted.lines, " "); strings.Contains(got, "probe") || !strings.HasPrefix(got, "held end") {
			t.Errorf("before the gate closed: %s", got)
		}
		noted.mu.Unlock()
		pass(30 * time.Second)
		noted.mu.Lock()
		probed := slices.Clone(noted.lines[first:])
		noted.mu.Unlock()
		if len(probed) < 3 || !slices.Equal(probed[:3], []string{"probe", "held", "end"}) {
			t.Errorf("while it was closed: %v", probed)
		}
		e.stop()
		noted.mu.Lock()
		defer noted.mu.Unlock()
		if last := noted.lines[len(noted.lines)-1]; last != "later: released as released" {
			t.Errorf("at the stop: %s", last)
		}
	})
}

func TestTheTraceOfARejectedMessageSaysItsReleaseAndOfADeadLetterThat(t *testing.T) {
	t.Parallel()
	for policy, want := range map[OnRejected][]string{
		Retry:      {"released as rejected", "end"},
		DeadLetter: {"end", "later: dead_lettered"},
		Discard:    {"end"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(0)
			noted := traceOf(f, "m0", func(*message.Message) message.Result {
				return message.Result{Outcome: message.Rejected, Status: 422, Reason: "4xx"}
			})
			q.send(1)
			e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) {
				o.OnRejected, o.Backoff, o.BackoffMax = policy, time.Hour, time.Hour
			})
			pass(10 * time.Second)
			noted.is(t, want...)
			e.stop()
		})
	}
}

func TestWhileTheTargetIsPausedTheLogOfAClosedGateSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		f.downWith(down503)
		q.send(10)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(10 * time.Second)
		for _, m := range e.Held(1) {
			if !m.Next.IsZero() || m.Awaits != AwaitsTarget {
				t.Errorf("with the gate closed: next %s, awaits %q", m.Next, m.Awaits)
			}
		}
		if !strings.Contains(e.logs.String(), "holding messages and probing") {
			t.Errorf("with the gate closed:\n%s", e.logs)
		}
		before := len(e.logs.String())
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 10, Limited: true})
		pass(5 * time.Minute)
		said := e.logs.String()[before:]
		if strings.Contains(said, "probing") || !strings.Contains(said, "paused with the gate closed: holding messages") {
			t.Errorf("while paused:\n%s", said)
		}
		if held := e.Held(1); len(held) != 1 || held[0].Awaits != AwaitsResume || !held[0].Next.IsZero() {
			t.Errorf("while paused: %+v", held)
		}
		e.stop()
	})
}
