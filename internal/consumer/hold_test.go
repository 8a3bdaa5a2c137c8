package consumer

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// outage has every delivery answered so, between from and to after the begin.
func outage(f *fakeTarget, from, to time.Duration, result message.Result) {
	begun, took := time.Now(), 10*time.Millisecond
	if result.Reason == "timeout" {
		took = 5 * time.Second
	}
	f.answer = func(*message.Message, int) (message.Result, time.Duration) {
		if at := time.Since(begun); at >= from && at < to {
			return result, took
		}
		return delivered2xx, f.took
	}
}

// mostReceives is how often the message was received that was received most.
func mostReceives(q *fakeQueue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	most := 0
	for _, m := range q.messages {
		most = max(most, m.receives)
	}
	return most
}

func TestAnOutageAddsNoReceiveToAMessageInHand(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]message.Result{
		"refused":   {Outcome: message.Connection, Reason: "refused"},
		"503":       {Outcome: message.Unavailable, Status: 503, Reason: "5xx"},
		"500":       {Outcome: message.Failed, Status: 500, Reason: "5xx"},
		"404":       {Outcome: message.Failed, Status: 404, Reason: "4xx"},
		"reset":     {Outcome: message.Unavailable, Reason: "reset"},
		"throttled": {Outcome: message.Throttled, Status: 429, Reason: "4xx"},
		"hangs":     {Outcome: message.Failed, Reason: "timeout"},
	} {
		durations := []time.Duration{30 * time.Second, 5 * time.Minute}
		if name != "hangs" { // a short one looks like slow messages
			durations = append(durations, 2*time.Second)
		}
		if name == "503" && !raceDetector {
			durations = append(durations, 2*time.Hour)
		}
		for _, lasts := range durations {
			t.Run(fmt.Sprintf("%s for %s", name, lasts), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					q, f := newFakeQueue(), newFakeTarget(200*time.Millisecond)
					outage(f, 5*time.Second, 5*time.Second+lasts, result)
					q.attributes.MaxReceiveCount = 3
					e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) {
						o.Visibility = 5 * time.Second
						o.Timeout = 5 * time.Second
					})
					q.send(200)
					end := 5*time.Second + lasts
					for at := time.Duration(0); at < min(end, 2*time.Minute); at += 200 * time.Millisecond {
						pass(200 * time.Millisecond)
						q.send(1)
					}
					pass(max(end-2*time.Minute, 0) + time.Minute)
					if n := q.left(); n != 0 {
						t.Errorf("%d are left a minute after the outage; gate %+v, in hand %v", n, e.door.Status(10), e.Snapshot(time.Now()).InHand)
					}
					if most := mostReceives(q); most > 1 {
						t.Errorf("a message was received %d times", most)
					}
					if state := e.door.State(); state != gate.Open {
						t.Errorf("the gate is %s a minute after the outage", state)
					}
					e.stop()
				})
			})
		}
	}
}

func TestHeldMessagesAreTriedToTheEndOfTheDrainThenReleasedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		outage(f, 0, 30*time.Second, message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"})
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.DrainTimeout = 10 * time.Second })
		q.send(30)
		pass(10 * time.Second)
		held := e.Snapshot(time.Now()).InHand["held"]
		if held == 0 {
			t.Fatal("nothing is held in an outage")
		}
		tries := f.deliveries()
		s := e.stop()
		if f.deliveries() == tries {
			t.Error("nothing was tried in the drain")
		}
		if s.Abandoned != 0 || s.CutOff != 0 || q.invisible() != 0 {
			t.Errorf("summary %+v, %d invisible", s, q.invisible())
		}
		if strings.Contains(e.logs.String(), "abandoned") {
			t.Errorf("the log:\n%s", e.logs)
		}
	})
}

func TestWhatIsRejectedGoesWhereOnRejectedSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		policy OnRejected
		want   Summary
		dead   int
	}{
		"discard":     {Discard, Summary{Delivered: 9, Discarded: 1}, 0},
		"dead-letter": {DeadLetter, Summary{Delivered: 9, DeadLettered: 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
				q.send(10)
				f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
					if m.ID == "m3" {
						return message.Result{Outcome: message.Rejected, Status: 422, Reason: "4xx"}, time.Millisecond
					}
					return delivered2xx, time.Millisecond
				}
				sent := time.Now()
				q.fault = func(action string, _ int) error {
					if action == "dead-letter" && time.Since(sent) < time.Minute {
						return away("", 0)
					}
					return nil
				}
				e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.OnRejected = test.policy })
				pass(2 * time.Minute)
				s := e.stop()
				if s != test.want || q.left() != 0 || len(q.dead) != test.dead || f.tried()["m3"] != 1 {
					t.Errorf("summary %+v, %d left, dead %v, %d tries", s, q.left(), q.dead, f.tried()["m3"])
				}
			})
		})
	}
}

func TestAHeldMessageThatComesAgainIsExtendedByItsNewVisibility(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		outage(f, 0, 5*time.Minute, message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"})
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Visibility = 10 * time.Second })
		q.send(10)
		pass(time.Minute) // all are held, and extended by two minutes
		q.mu.Lock()
		for _, m := range q.messages {
			m.visible = time.Now() // SQS hands them out again, as it may
		}
		q.mu.Unlock()
		q.send(1)
		pass(10 * time.Minute)
		if most := mostReceives(q); most > 2 || q.left() != 0 {
			t.Errorf("received %d times at most, %d left", most, q.left())
		}
		e.stop()
	})
}

func TestATargetThatGoesAwayIsTriedFewTimes(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]message.Result{
		"refused": {Outcome: message.Connection, Reason: "refused"},
		"503":     {Outcome: message.Unavailable, Status: 503, Reason: "5xx"},
		"500":     {Outcome: message.Failed, Status: 500, Reason: "5xx"},
	} {
		for _, fails := range []time.Duration{time.Millisecond, 200 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s in %s", name, fails), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					q, f := newFakeQueue(), newFakeTarget(200*time.Millisecond)
					begun, tries := time.Now(), 0
					f.answer = func(*message.Message, int) (message.Result, time.Duration) {
						if at := time.Since(begun); at >= 2*time.Second && at < 32*time.Second {
							tries++
							return result, fails
						}
						return delivered2xx, f.took
					}
					e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
					q.send(200)
					for range 160 {
						pass(200 * time.Millisecond)
						q.send(1)
					}
					if tries > 60 { // what runs still succeeds, and is no reason to go on
						t.Errorf("%d tries in 30 s", tries)
					}
					pass(time.Minute)
					if n := q.left(); n != 0 {
						t.Errorf("%d are left a minute after it", n)
					}
					e.stop()
				})
			})
		}
	}
}

func TestAnExtensionNeverShortensWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.send(1)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if time.Since(m.SentAt) < time.Minute {
				return message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}, time.Millisecond
			}
			return delivered2xx, 2 * time.Minute // longer than half of what it is held for
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.Timeout = 3 * time.Minute })
		for at := time.Duration(0); at < 3*time.Minute; at += time.Second {
			before := q.hiddenUntil(0)
			pass(time.Second)
			if after := q.hiddenUntil(0); after.Before(before) {
				t.Errorf("after %s its visibility ends %s earlier", at, before.Sub(after))
			}
		}
		if s := e.stop(); s != (Summary{Delivered: 1}) {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestAMessageWhoseVisibilityEndedInADeliveryThatFailedDoesNotKeepTheGateShut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		begun := time.Now()
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			if time.Since(begun) < 10*time.Minute {
				return message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}, 25 * time.Second
			}
			return delivered2xx, 10 * time.Millisecond
		}
		q.fault = func(action string, _ int) error {
			if action == "change" && time.Since(begun) < 10*time.Minute {
				return away("", 0)
			}
			return nil
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Visibility = 10 * time.Second })
		q.send(10)
		pass(20 * time.Minute)
		if n := q.left(); n != 0 {
			t.Errorf("%d are left ten minutes after all is well; gate %+v", n, e.door.Status(10))
		}
		e.stop()
	})
}
