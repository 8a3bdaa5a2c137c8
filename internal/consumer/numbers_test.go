package consumer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// within fails unless a number is within that share of what it should be.
func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*want) {
		t.Errorf("%s is %.1f, want %.1f", what, got, want)
	}
}

func limitedTo(rate float64) ratelimit.Limits {
	return ratelimit.Limits{Concurrency: 20, Limited: true, Rate: rate, Burst: 1}
}

func TestABurstToAnIdleWorkerHasItsTimeToEmptyWithin15Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		pass(10 * time.Minute)
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainEmpty || d.Seconds != 0 {
			t.Errorf("the idle queue: %+v", d)
		}
		q.send(1000)
		begun := time.Now()
		for pass(15 * time.Second); time.Since(begun) < 34*time.Second; pass(time.Second) {
			d := e.Snapshot(time.Now()).Drain
			if d.State != DrainShrinking {
				t.Fatalf("after %v it is %s", time.Since(begun), d.State)
			}
			within(t, "the time to empty", d.Seconds, 1000.0/28-time.Since(begun).Seconds(), 0.1)
		}
		pass(20 * time.Second)
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainEmpty {
			t.Errorf("the empty queue: %+v", d)
		}
		e.stop()
	})
}

func TestAQueueThatIsSaidToBeEmptyHasNothingVisible(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := run(t, newFakeQueue(), newFakeTarget(50*time.Millisecond), limitedTo(28), nil)
		pass(10 * time.Minute)
		now := time.Now()
		e.mu.Lock()
		e.backlog.answered(now, message.Depth{Visible: 14}, false) // SQS's count, which the long poll contradicts in the end
		e.mu.Unlock()
		for after := time.Duration(0); after < 2*time.Minute; after += time.Second {
			if s := e.Snapshot(now.Add(after)); s.Drain.State == DrainEmpty && s.Depth.Visible > 0 {
				t.Fatalf("after %v %d messages are visible, and the queue is empty", after, s.Depth.Visible)
			}
		}
		e.stop()
	})
}

func TestABurstSoonAfterTheStartIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		pass(3 * time.Second)
		q.send(1000)
		pass(2 * time.Second)
		if d := e.Snapshot(time.Now()).Depth; d.Visible < 850 {
			t.Errorf("%d visible", d.Visible)
		}
		e.stop()
	})
}

func TestWhatArrivesCountsAgainstTheTimeToEmpty(t *testing.T) {
	t.Parallel()
	for arriving, want := range map[time.Duration]DrainState{
		50 * time.Millisecond: DrainShrinking, 25 * time.Millisecond: DrainSteady, 15 * time.Millisecond: DrainGrowing,
	} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
			q.send(3000)
			e := run(t, q, f, limitedTo(40), nil)
			for end := time.Now().Add(45 * time.Second); time.Now().Before(end); pass(arriving) {
				q.send(1)
			}
			d := e.Snapshot(time.Now()).Drain
			if d.State != want {
				t.Errorf("one every %v: %+v", arriving, d)
			}
			if want == DrainShrinking {
				within(t, "the time to empty", d.Seconds, float64(q.left())/(40-20), 0.1)
			}
			e.stop()
		})
	}
}

func TestAnOutageAndAPauseHaveNoTimeToEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		up := f.downWith(message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"})
		q.send(2000)
		e := run(t, q, f, limitedTo(28), nil)
		for range 10 {
			pass(5 * time.Second)
			if d := e.Snapshot(time.Now()).Drain; d.State == DrainShrinking || !math.IsNaN(d.Seconds) && !math.IsInf(d.Seconds, 1) {
				t.Errorf("in an outage: %+v", d)
			}
		}
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainAway || d.Left != 2000 {
			t.Errorf("with the gate closed: %+v", d)
		}
		up()
		pass(30 * time.Second)
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20, Limited: true})
		pass(time.Minute)
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainPaused || !math.IsNaN(d.Seconds) {
			t.Errorf("paused: %+v", d)
		}
		e.stop()
	})
}

func TestAQueueIsNotGrowingBecauseOfOneBurst(t *testing.T) {
	t.Parallel()
	for _, between := range []time.Duration{time.Second, 4 * time.Second, 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
			e := run(t, q, f, limitedTo(28), nil)
			pass(3 * time.Second)
			q.send(200)
			pass(between) // SQS is asked while they are being sent
			q.send(800)
			for i := range 30 {
				if d := e.Snapshot(time.Now()).Drain; d.State == DrainGrowing {
					t.Errorf("%d s after a burst: %+v", i, d)
				}
				pass(time.Second)
			}
			e.stop()
		})
	}
}

func TestTheLagOfAPausedWorkerGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(600)
		e := run(t, q, f, limitedTo(10), nil)
		pass(30 * time.Second)
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20, Limited: true})
		for range 20 {
			pass(time.Minute)
			lag := e.Snapshot(time.Now()).Lag
			within(t, "the lag in seconds", lag.Age.Seconds(), time.Since(q.messages[0].sent).Seconds(), 0.05)
			if !lag.Known || lag.AtLeast {
				t.Errorf("%+v", lag)
			}
		}
		e.stop()
	})
}

func TestTheLagOfAQueueThatFillsInAPauseCountsFromWhenThatWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, limitedTo(10), nil)
		pass(70 * time.Minute) // SQS is asked for the depth once an hour by now
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20, Limited: true})
		pass(10 * time.Minute)
		if s := e.Snapshot(time.Now()); !s.Lag.Known || s.Lag.Age != 0 || s.Drain.State != DrainEmpty {
			t.Errorf("paused and empty: lag %+v, drain %+v", s.Lag, s.Drain)
		}
		q.send(30)
		pass(10 * time.Minute)
		s := e.Snapshot(time.Now())
		if !s.Lag.Known || s.Lag.AtLeast || s.Lag.Age < 10*time.Minute-depthBusy-time.Second || s.Lag.Age > 10*time.Minute {
			t.Errorf("the lag after ten minutes is %+v", s.Lag)
		}
		if s.Depth.Visible != 30 {
			t.Errorf("%d visible", s.Depth.Visible)
		}
		e.stop()
	})
}

func TestAWorkerThatStartsPausedSaysThatTheLagIsAtLeastSoMuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(30)
		pass(time.Hour)
		e := run(t, q, f, limitedTo(0), nil)
		pass(time.Millisecond)
		if lag := e.Snapshot(time.Now()).Lag; lag.Known {
			t.Errorf("before SQS's first answer the lag is %+v", lag)
		}
		pass(10 * time.Minute)
		if lag := e.Snapshot(time.Now()).Lag; !lag.Known || !lag.AtLeast || lag.Age < 9*time.Minute {
			t.Errorf("after ten minutes the lag is %+v", lag)
		}
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainPaused {
			t.Errorf("%+v", d)
		}
		e.stop()
	})
}

func TestTheLagIsZeroAsSoonAsAReceiveWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(300)
		pass(time.Minute)
		e := run(t, q, f, limitedTo(50), nil)
		pass(5 * time.Second)
		if lag := e.Snapshot(time.Now()).Lag; lag.Age < time.Minute {
			t.Errorf("with a backlog the lag is %+v", lag)
		}
		pass(3 * time.Second)
		if s := e.Snapshot(time.Now()); s.Lag != (Lag{Known: true}) || s.Drain.State != DrainEmpty || s.Depth.Visible != 0 {
			t.Errorf("lag %+v, drain %+v, depth %+v", s.Lag, s.Drain, s.Depth)
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

func TestOneBurstIsNotTheSpeedOfArriving(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := backlog{again: map[int64]int{}}
	for _, visible := range []int{100, 100, 5100, 5100} {
		b.answered(now, message.Depth{Visible: visible}, false)
		now = now.Add(15 * time.Second)
	}
	if perSecond, known := b.arriving(); !known || perSecond != 0 {
		t.Errorf("%.0f/s arrive", perSecond)
	}
}

func TestAWorkerThatKeepsUpHasNeitherLagNorBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(5*time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		for i := range 1500 { // 20/s
			q.send(1)
			pass(50 * time.Millisecond)
			s := e.Snapshot(time.Now())
			if !s.Lag.Known || s.Lag.Age > time.Second {
				t.Fatalf("after %d messages the lag is %+v", i, s.Lag)
			}
			if i > 200 && (!(s.Drain.Seconds < 10) || s.Depth.Visible > 3) {
				t.Fatalf("after %d messages: %+v, %+v", i, s.Drain, s.Depth)
			}
		}
		e.stop()
	})
}

func TestWhatCameToAnEmptyQueueMayHaveComeAtAnyTime(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := backlog{again: map[int64]int{}}
	b.answered(now, message.Depth{}, false)
	b.answered(now.Add(15*time.Second), message.Depth{}, false)
	b.emptied(now)
	b.answered(now.Add(30*time.Second), message.Depth{Visible: 1000}, false)
	if perSecond, known := b.arriving(); known {
		t.Errorf("%.0f/s arrive", perSecond)
	}
	b.answered(now.Add(35*time.Second), message.Depth{Visible: 1000}, false)
	if perSecond, known := b.arriving(); !known || perSecond != 0 {
		t.Errorf("%.0f/s arrive", perSecond)
	}
}

func TestTheSpeedFollowsAChangeOfPaceAndIsTheMeanOfASteadyMinute(t *testing.T) {
	var s speed
	now := time.Unix(1_700_000_000, 0)
	runFor := func(d time.Duration, each time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(each) {
			s.add(now, 10)
		}
	}
	runFor(4*time.Second, 100*time.Millisecond)
	if _, known := s.perSecond(now, 10); known {
		t.Error("it is known after 4 s")
	}
	runFor(50*time.Second, 1300*time.Millisecond)
	if is, _ := s.perSecond(now, 10); math.Abs(is-1/1.3) > 0.03 {
		t.Errorf("%.2f/s, want %.2f/s", is, 1/1.3)
	}
	runFor(12*time.Second, 10*time.Millisecond)
	if is, _ := s.perSecond(now, 10); math.Abs(is-100) > 5 {
		t.Errorf("after the change: %.1f/s, want 100/s", is)
	}
	now = now.Add(time.Minute)
	runFor(6*time.Second, 50*time.Millisecond)
	if is, known := s.perSecond(now, 10); !known || math.Abs(is-20) > 1 {
		t.Errorf("after a rest: %.1f/s, want 20/s", is)
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

func TestTheSpeedOfTheFirstSecondsIsNotDividedByTen(t *testing.T) {
	var p perSecond
	now := time.Unix(1_700_000_000, 0)
	p.mean(now)
	for i := range 200 {
		at := now.Add(time.Duration(i) * 100 * time.Millisecond)
		if got := p.mean(at); at.Sub(now) >= 2*time.Second && got != 10 {
			t.Fatalf("after %v it is %v/s", at.Sub(now), got)
		}
		p.add(at)
	}
}
