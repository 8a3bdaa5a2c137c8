package consumer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestAQueueThatIsSaidToBeEmptyHasNothingVisible(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := run(t, newFakeQueue(), newFakeTarget(50*time.Millisecond), limitedTo(28), nil)
		pass(10 * time.Minute)
		now := time.Now()
		e.mu.Lock()
		e.view.backlog.answered(now, message.Depth{Visible: 14}, false) // SQS's count, which the long poll contradicts in the end
		e.mu.Unlock()
		for after := time.Duration(0); after < 2*time.Minute; after += time.Second {
			if s := e.Snapshot(now.Add(after)); s.Drain.State == DrainEmpty && s.Depth.Visible > 0 {
				t.Fatalf("after %v %d messages are visible, and the queue is empty", after, s.Depth.Visible)
			}
		}
		e.stop()
	})
}

func TestTheDepthBetweenTwoLooksIsThatOfNow(t *testing.T) {
	t.Parallel()
	for arriving, allowed := range map[int]int{0: 12, 20: 40} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
			q.send(2000)
			e := run(t, q, f, limitedTo(28), nil)
			for i := range 60 {
				pass(time.Second)
				q.send(arriving)
				now := time.Now()
				is := q.depth(now)
				got := e.Snapshot(now).Depth
				if d := got.Visible - is.Visible; i > 15 && (d > allowed || d < -allowed) {
					t.Errorf("after %d s with %d/s arriving: %d visible, not %d", i, arriving, got.Visible, is.Visible)
				}
			}
			if looks := q.called("look"); looks > 13 {
				t.Errorf("SQS was asked %d times in a minute", looks)
			}
			e.stop()
		})
	}
}

func TestWhatIsGivenBackIsVisibleAgainWhenItsDelayIsOver(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := backlog{again: map[int64]int{}}
	b.answered(now, message.Depth{Visible: 5}, false)
	b.take()
	b.take()
	b.release(now, now.Add(4*time.Second))
	if d := b.depth(now.Add(3*time.Second), 1); d != (message.Depth{Visible: 3, InFlight: 2}) {
		t.Errorf("before: %+v", d)
	}
	if d := b.depth(now.Add(4*time.Second), 1); d != (message.Depth{Visible: 4, InFlight: 1}) {
		t.Errorf("after: %+v", d)
	}
	b.answered(now.Add(5*time.Second), message.Depth{Visible: 4, InFlight: 1}, false)
	if d := b.depth(now.Add(6*time.Second), 1); d != (message.Depth{Visible: 4, InFlight: 1}) {
		t.Errorf("it is in the next count: %+v", d)
	}
}

func TestEachOfSeveralBurstsIsInTheDepthWithinSeconds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		limits ratelimit.Limits
		first  int
		bursts []int
		apart  time.Duration
		looks  int
	}{
		{"an idle queue", limitedTo(28), 0, []int{100, 200, 150, 1000}, 10 * time.Second, 16},
		{"close upon each other", limitedTo(100), 0, []int{80, 300, 90, 200}, 5 * time.Second, 12},
		{"the last of a backlog", limitedTo(28), 300, []int{400, 500}, 14 * time.Second, 12},
		{"one slot", ratelimit.Limits{Concurrency: 1}, 0, []int{40, 50, 400}, 12 * time.Second, 14},
		{"many slots", ratelimit.Limits{Concurrency: 200}, 0, []int{3000, 2000, 60000}, 8 * time.Second, 12},
	} {
		if raceDetector && tt.name == "many slots" {
			tt.bursts = tt.bursts[:2]
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
				e := run(t, q, f, tt.limits, nil)
				pass(10 * time.Minute)
				q.send(tt.first)
				pass(tt.apart)
				before := q.called("look")
				for _, burst := range tt.bursts {
					q.send(burst)
					for end := time.Now().Add(tt.apart); time.Now().Before(end); {
						pass(500 * time.Millisecond)
						now := time.Now()
						is, got := q.depth(now), e.Snapshot(now).Depth
						if wrong := is.Visible - got.Visible; end.Sub(now) < tt.apart-3*time.Second && (wrong > 25+is.Visible/20 || wrong < -25-is.Visible/20) {
							t.Errorf("%v after a burst of %d: %d visible, not %d", tt.apart-end.Sub(now), burst, got.Visible, is.Visible)
						}
					}
				}
				if looks := q.called("look") - before; looks > tt.looks {
					t.Errorf("SQS was asked %d times", looks)
				}
				e.stop()
			})
		})
	}
}

func TestABurstOnTopOfABacklogIsInTheDepthWithinSeconds(t *testing.T) {
	t.Parallel()
	for rate, within := range map[float64]time.Duration{28: 5 * time.Second, 12: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
			q.send(1000)
			e := run(t, q, f, limitedTo(rate), nil)
			for pass(20 * time.Second); e.Snapshot(time.Now()).DepthAt.Before(time.Now().Add(-time.Second)); pass(100 * time.Millisecond) {
			}
			looks, received := q.called("look"), int(e.Snapshot(time.Now()).Received)
			pass(time.Second) // SQS has just been asked
			q.send(3000)
			pass(within)
			now := time.Now()
			if is, got := q.depth(now).Visible, e.Snapshot(now).Depth.Visible; math.Abs(float64(is-got)) > 60 {
				t.Errorf("at %v/s, %v after the burst: %d visible, not %d", rate, within, got, is)
			}
			pass(30 * time.Second)
			looks, received = q.called("look")-looks, int(e.Snapshot(time.Now()).Received)-received
			if 100*(looks-1) > received { // one in a hundred
				t.Errorf("at %v/s, SQS was asked %d times for %d messages", rate, looks, received)
			}
			e.stop()
		})
	}
}

func TestBurstsHaveTheDepthAskedForOnlySoOften(t *testing.T) {
	d := depthWatch{}
	now := time.Unix(1_700_000_000, 0)
	d.begin(now)
	looks, last := 0, now.Add(-time.Minute)
	for end := now.Add(10 * time.Minute); now.Before(end); now = now.Add(100 * time.Millisecond) {
		d.active(now, 1)
		d.burst(now)
		if d.due(now) {
			if now.Sub(last) < 2*time.Second {
				t.Errorf("asked %v after the last answer", now.Sub(last))
			}
			looks, last = looks+1, now
			d.answered(now, message.Depth{}, nil, true)
		}
	}
	if looks > 75 {
		t.Errorf("asked %d times in ten minutes", looks)
	}
}

func TestWhatComesToAQueueThatWasEmptyContradictsAnyCount(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := backlog{again: map[int64]int{}}
	b.answered(now, message.Depth{Visible: 500}, false) // others take them
	b.emptied(now)
	if b.contradicted(now) {
		t.Error("nothing has come")
	}
	b.take()
	if !b.contradicted(now) || b.depth(now, 1).Visible != 0 {
		t.Errorf("one has come, and %d are visible", b.depth(now, 1).Visible)
	}
}
