package consumer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestABatchIsOneTokenAndOneSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(100*time.Millisecond)
		q.send(100)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 1, Limited: true, Rate: 1, Burst: 1}, inTens(f))
		pass(13 * time.Second)
		if n := len(f.took2xx()); n < 90 {
			t.Errorf("%d messages of 100 in 13 requests of at most 10", n)
		}
		if n := len(f.sent()); n > 14 {
			t.Errorf("%d requests in 13 s at 1/s", n)
		}
		e.stop()
	})
}

func TestOnlyTheMessageThatTheAnswerNamesHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
		q.attributes.MaxReceiveCount, q.retire = 1, 1
		f.bad = func(id string) bool { return id == "m3" }
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 2}, inTens(f))
		q.send(40)
		pass(time.Minute)
		for i := range 20 {
			q.send(1)
			pass(time.Duration(i) * time.Second)
		}
		s := e.stop()
		if good := f.took2xx(); len(good) != 59 || good["m3"] != 0 {
			t.Errorf("%d delivered, the bad one %d times", len(good), good["m3"])
		}
		if s.Failed != 1 || s.Delivered != 59 {
			t.Errorf("%+v", s)
		}
		for id, n := range f.tried() {
			if id != "m3" && n != 1 {
				t.Errorf("%s was tried %d times", id, n)
			}
		}
	})
}

func TestABatchThatFailsAsAWholeIsDissolvedAndItsPoisonFoundAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
		q.attributes.MaxReceiveCount, q.retire = 1, 1
		f.whole = func(ids []string) message.Result {
			if slices.Contains(ids, "m3") {
				return failed5xx
			}
			return delivered2xx
		}
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 2}, inTens(f))
		q.send(40)
		for range 60 {
			pass(time.Second)
			q.send(1)
		}
		pass(time.Minute)
		s := e.stop()
		if s.Failed != 1 || s.Delivered != 99 {
			t.Errorf("%+v, want the poison given up and all others delivered", s)
		}
		failed := 0
		for _, ids := range f.sent() {
			if slices.Contains(ids, "m3") && len(ids) > 1 {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("the poison was in %d batches: after one it is tried alone", failed)
		}
		if b := e.Snapshot(time.Now()).Batches; b.Most != 10 || b.Dissolved != 1 || len(b.Sizes) != batchesKept {
			t.Errorf("%+v", b)
		}
	})
}

func TestMessagesThatABusyTargetThrottledTogetherAreTriedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
		begun, parted := time.Now(), 0
		f.whole = func(ids []string) message.Result {
			if at := time.Since(begun); at > 10*time.Millisecond && at < 3*time.Second {
				return throttledAll
			} else if at > 3*time.Second && len(ids) == 1 {
				parted++
			}
			return delivered2xx
		}
		q.send(100)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 5}, inTens(f))
		pass(time.Minute)
		if parted > 15 {
			t.Errorf("%d messages went alone after a 429: more than one request was parted", parted)
		}
		if s := e.stop(); s.Delivered != 100 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A target may refuse all of a request for the sake of one tenant, whose message is in it.
func TestARefusalForOneMessagesSakeStopsNoNeighbor(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]message.Result{
		"429":                  throttledAll,
		"503 with Retry-After": {Outcome: message.Unavailable, Status: 503, Reason: "5xx", RetryAfter: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
				refused := func(id string) bool { return strings.HasSuffix(id, "3") } // in each batch of ten
				f.whole = func(ids []string) message.Result {
					if slices.ContainsFunc(ids, refused) {
						return refusal
					}
					return delivered2xx
				}
				q.send(100)
				e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 2}, inTens(f))
				pass(time.Minute)
				if n := len(f.took2xx()); n != 90 {
					t.Errorf("%d of 90 good messages delivered in a minute", n)
				}
				if n := len(f.sent()); n > 500 {
					t.Errorf("%d requests", n)
				}
				if s := e.stop(); s.Failed != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// Requests of ten are refused so often for the sake of one that several in a row are nothing
// special: that is no word of the target's to all.
func TestRefusalsOfBatchesForOneMessagesSakeAreNotTheTargetsWord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
		refused := func(id string) bool { return strings.HasSuffix(id, "3") } // in each batch of ten
		f.whole = func(ids []string) message.Result {
			if slices.ContainsFunc(ids, refused) {
				return message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx", RetryAfter: 20 * time.Second}
			}
			return delivered2xx
		}
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 1, Follow: true}, inTens(f))
		for range 20 {
			q.send(10)
			pass(5 * time.Second)
		}
		pass(time.Minute)
		if n := len(f.took2xx()); n != 180 {
			t.Errorf("%d of 180 good messages delivered in a minute", n)
		}
		if said := e.said(); strings.Contains(said, "waiting for the target as it asked") {
			t.Error(said)
		}
		e.abort()
		<-e.summary
	})
}

// All that is in hand at the start may be refused for what it is, in one request.
func TestABatchThatIsRefusedAtTheStartDoesNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
		f.whole = func(ids []string) message.Result {
			for m := range 5 {
				if slices.Contains(ids, fmt.Sprint("m", m)) {
					return message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx", RetryAfter: 2 * time.Second}
				}
			}
			return delivered2xx
		}
		q.send(50)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 8, Follow: true}, func(o *Options) {
			inTens(f)(o)
			o.Gate, o.BatchWait = gate.New(1), time.Second
		})
		pass(time.Minute)
		if n := len(f.took2xx()); n != 45 {
			t.Errorf("%d of 45 good messages delivered in a minute", n)
		}
		e.abort()
		<-e.summary
	})
}

func TestAMessageWaitsForOthersAsLongAsBatchWaitSays(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, 2 * time.Second} {
		t.Run(fmt.Sprint(wait), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
				e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 4}, func(o *Options) {
					inTens(f)(o)
					o.BatchWait = wait
				})
				for range 5 {
					q.send(1)
					pass(300 * time.Millisecond)
				}
				pass(5 * time.Second)
				want := 5
				if wait > 0 {
					want = 1
				}
				if sent := f.sent(); len(sent) != want {
					t.Errorf("%d requests, want %d: %v", len(sent), want, sent)
				}
				e.stop()
			})
		})
	}
}

func TestABatchStaysUnderTheSizeOfARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
		f.size = maxRequest / 3
		q.send(30)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 2}, inTens(f))
		pass(10 * time.Second)
		most := 0
		for _, ids := range f.sent() {
			most = max(most, len(ids))
		}
		if most != 3 {
			t.Errorf("%d messages of a third of the size in one request", most)
		}
		e.stop()
	})
}

func TestABatchGoesOnForTheOthersWhenOneOfItsMessagesIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(time.Minute)
		q.send(10)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 1}, func(o *Options) {
			inTens(f)(o)
			o.Timeout, o.BatchWait = time.Hour, time.Second
		})
		pass(2 * time.Second)
		q.mu.Lock()
		q.messages[0].handle = "m0/elsewhere"
		q.messages[0].visible = time.Now().Add(time.Hour)
		q.mu.Unlock()
		pass(2 * time.Minute)
		if s := e.stop(); s.Delivered != 9 || s.Abandoned != 1 || len(f.sent()) != 1 {
			t.Errorf("%+v in %d requests", s, len(f.sent()))
		}
	})
}

// What is lost from a batch, and comes here again before the request has ended, has that
// request's end for its own.
func TestAMessageLostFromABatchIsNotDeliveredBesideItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(time.Minute)
		q.send(10)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 2}, func(o *Options) {
			inTens(f)(o)
			o.Timeout, o.BatchWait = time.Hour, time.Second
		})
		pass(2 * time.Second)
		q.mu.Lock()
		q.messages[0].handle = "m0/elsewhere" // for 30 s
		q.messages[0].visible = time.Now().Add(30 * time.Second)
		q.mu.Unlock()
		pass(2 * time.Minute)
		if s := e.stop(); s.Delivered != 10 || s.Abandoned != 0 || len(f.sent()) != 1 || q.left() > 0 {
			t.Errorf("%+v in %d requests; %d left", s, len(f.sent()), q.left())
		}
	})
}

func TestABatchHasOneMessageOfAGroupAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(10*time.Millisecond)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 1}, func(o *Options) {
			inTens(f)(o)
			o.FIFO = true
		})
		q.send(10) // all of the group without a name
		pass(10 * time.Second)
		for _, ids := range f.sent() {
			if len(ids) != 1 {
				t.Errorf("%v in one request", ids)
			}
		}
		if s := e.stop(); s.Delivered != 10 {
			t.Errorf("%+v", s)
		}
	})
}
