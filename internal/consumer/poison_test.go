package consumer

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestOnePoisonMessageIsGivenUpAndStopsNobody(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]message.Result{
		"500": {Outcome: message.Failed, Status: 500, Reason: "5xx"},
		"503": {Outcome: message.Unavailable, Status: 503, Reason: "5xx"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
				f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
					if m.ID == "m7" {
						return result, 50 * time.Millisecond
					}
					return delivered2xx, 100 * time.Millisecond
				}
				e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
				for range 600 {
					q.send(1)
					pass(100 * time.Millisecond)
				}
				s := e.stop()
				if s.Delivered != 599 {
					t.Errorf("%d of 599 good ones were delivered: %+v", s.Delivered, s)
				}
				if s.Failed < 2 {
					t.Errorf("the poison was given up %d times in a minute", s.Failed)
				}
				if strings.Contains(e.logs.String(), "gate closed") {
					t.Errorf("one poison message closed the gate:\n%s", e.logs)
				}
			})
		})
	}
}

func TestAFloodOfPoisonDoesNotStopTheQueueForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		q.send(100)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if len(m.ID) <= 3 && m.ID != "m100" { // the first hundred
				return message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}, 50 * time.Millisecond
			}
			return delivered2xx, 100 * time.Millisecond
		}
		q.retire, q.attributes.MaxReceiveCount = 3, 3
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(10 * time.Second)
		q.send(500)
		pass(3 * time.Hour)
		s := e.stop()
		if s.Delivered != 500 {
			t.Errorf("%d of 500 good ones behind 100 poison ones were delivered in 3 h: %+v", s.Delivered, s)
		}
	})
}

func TestPoisonThatWasProvenOnceGoesAllItsReceivesWithNobodyLeftToProveIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		q.retire, q.attributes.MaxReceiveCount = 6, 6
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if len(m.ID) == 2 && m.ID < "m5" {
				return message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}, f.took
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		q.send(300)
		pass(5 * time.Minute)
		if n := q.left(); n != 0 {
			t.Errorf("%d are left after 5 minutes, received %d times", n, mostReceives(q))
		}
		e.stop()
	})
}

// poisoned delivers a backlog of 200 to a target that never takes some of them, and fails
// if something is left after a time. It says how often each was tried.
func poisoned(t *testing.T, result message.Result, poison func(id string) bool, within time.Duration) map[string]int {
	t.Helper()
	q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
	q.send(200)
	q.retire, q.attributes.MaxReceiveCount = 3, 3
	f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
		if poison(m.ID) {
			return result, 20 * time.Millisecond
		}
		return delivered2xx, 20 * time.Millisecond
	}
	e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Visibility = 2 * time.Second })
	pass(within)
	if n := q.left(); n != 0 {
		t.Errorf("%d are left after %v", n, within)
	}
	tried := f.tried()
	e.stop()
	return tried
}

func TestPoisonThatComesBackAloneNeedsNoSecondProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poison := func(id string) bool { return strings.HasSuffix(id, "7") && len(id) == 3 } // m17, m27, …, m97
		for id, n := range poisoned(t, message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}, poison, 7*time.Second) {
			if want := map[bool]int{true: 3, false: 1}[poison(id)]; n != want {
				t.Errorf("%s was tried %d times, not %d", id, n, want)
			}
		}
	})
}

func TestPoisonThatHasAStrikeIsGivenUpThoughNobodyIsLeftToProveIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poison := func(id string) bool { return strings.HasSuffix(id, "7") && id != "m197" } // that has nobody after it
		for id, n := range poisoned(t, message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}, poison, 30*time.Second) {
			if !poison(id) && n != 1 {
				t.Errorf("%s was tried %d times", id, n)
			}
		}
	})
}

// A target that is up for a second in twenty lets a retry work so rarely that those of
// poison, which never do, could hide it.
func TestATargetThatIsUpOneSecondInTwentyTakesNoGoodMessageForPoison(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
		q.retire, q.attributes.MaxReceiveCount = 3, 3
		begun, good := time.Now(), make(map[string]bool)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			poison := strings.HasSuffix(m.ID, "7")
			if at := time.Since(begun); poison || at < 10*time.Minute && at%(26*time.Second) > 1300*time.Millisecond {
				return message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}, 20 * time.Millisecond
			}
			good[m.ID] = true
			return delivered2xx, 20 * time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		q.send(20)
		for range 80 { // too few at a time for the gate to close
			pass(7 * time.Second)
			q.send(1)
		}
		pass(5 * time.Minute)
		if len(good) != 90 {
			t.Errorf("%d of 90 good messages were delivered", len(good))
		}
		e.stop()
	})
}

// poisonAround counts the tries of poison that comes before, in and after an outage, until
// it is gone.
func poisonAround(t *testing.T, outage time.Duration, status int) map[string]int {
	t.Helper()
	tries := make(map[string]int)
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		q.attributes.MaxReceiveCount, q.retire = 3, 3
		begun := time.Now()
		poison := map[string]string{}
		bad := message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}
		if status == 500 {
			bad = message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}
		}
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			at := time.Since(begun)
			out := at >= time.Minute && at < time.Minute+outage
			if when := poison[m.ID]; when != "" && !out {
				tries[when]++
				return bad, 10 * time.Millisecond
			}
			if out {
				return message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}, 10 * time.Millisecond
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Backoff = 100 * time.Millisecond })
		sendPoison := func(when string) {
			f.mu.Lock()
			q.mu.Lock()
			poison[fmt.Sprintf("m%d", len(q.messages))] = when
			q.mu.Unlock()
			f.mu.Unlock()
			q.send(1)
		}
		for at := time.Duration(0); at < 4*time.Minute+outage; at += 100 * time.Millisecond {
			switch at {
			case 10 * time.Second:
				sendPoison("before")
			case time.Minute - 500*time.Millisecond:
				sendPoison("into")
			case time.Minute + outage + 5*time.Second:
				sendPoison("after")
			}
			q.send(2)
			pass(100 * time.Millisecond)
		}
		if n := q.left(); n > 5 {
			t.Errorf("%d are left", n)
		}
		if !strings.Contains(e.logs.String(), "gate closed") {
			t.Error("the gate has not closed")
		}
		e.abort()
		<-e.summary
	})
	return tries
}

func TestPoisonAfterAnOutageCostsNoMoreTriesThanBeforeIt(t *testing.T) {
	t.Parallel()
	outages := []time.Duration{15 * time.Second, 90 * time.Second}
	if raceDetector {
		outages = outages[:1]
	}
	for _, outage := range outages {
		for _, status := range []int{500, 503} {
			t.Run(fmt.Sprintf("%d after %s", status, outage), func(t *testing.T) {
				tries := poisonAround(t, outage, status)
				if tries["before"] == 0 || tries["after"] > tries["before"] || tries["into"] > tries["before"]+1 {
					t.Errorf("tries %v", tries)
				}
			})
		}
	}
}
