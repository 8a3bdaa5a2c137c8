package ratelimit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// talk is a pace of ten slots whose target says something of its limits.
type talk struct {
	*ratelimit.Share

	t     *testing.T
	pace  *ratelimit.Pace
	woken int
	begin time.Time
}

func newTalk(t *testing.T) *talk {
	t.Helper()
	c := &talk{t: t, begin: time.Now()}
	c.pace = ratelimit.New(ratelimit.Limits{Concurrency: 10, Follow: true})
	c.Share = c.pace.Join(1, func() { c.woken++ })
	return c
}

// begins starts a delivery.
func (c *talk) begins() *ratelimit.Try {
	c.t.Helper()
	try := new(ratelimit.Try)
	if want := c.Start(time.Now(), try, 10, agreed); want != ratelimit.Nothing {
		c.t.Fatalf("after %v: it may not start: %v", time.Since(c.begin), want)
	}
	return try
}

// waits expects that nothing may start until a time from now.
func (c *talk) waits(until time.Duration) {
	c.t.Helper()
	if want := c.Start(time.Now(), new(ratelimit.Try), 10, agreed); want != ratelimit.Allowance || time.Until(c.Due()) != until {
		c.t.Fatalf("after %v: wants %v, due in %v, not %v", time.Since(c.begin), want, time.Until(c.Due()), until)
	}
	if n := c.Usable(time.Now(), 10); n != 0 {
		c.t.Errorf("%d usable", n)
	}
}

// may expects that so many may start, and ends them unanswered.
func (c *talk) may(n int) {
	c.t.Helper()
	var tries []*ratelimit.Try
	for {
		try := new(ratelimit.Try)
		if c.Start(time.Now(), try, 10, agreed) != ratelimit.Nothing {
			break
		}
		tries = append(tries, try)
	}
	if len(tries) != n {
		c.t.Errorf("after %v: %d may start, not %d", time.Since(c.begin), len(tries), n)
	}
	for _, try := range tries {
		c.End(time.Now(), try, message.Result{Outcome: message.Failed, Reason: "timeout"}, 1)
	}
}

func says(remaining int, reset time.Duration) message.Result {
	return message.Result{Outcome: message.Delivered, Status: 200, Limits: []message.Limit{{Remaining: remaining, Reset: reset}}}
}

func refuses(after time.Duration) message.Result {
	return message.Result{Outcome: message.Throttled, Status: 429, RetryAfter: after}
}

func (c *talk) ends(try *ratelimit.Try, r message.Result) bool {
	return c.End(time.Now(), try, r, 1)
}

func in(t *testing.T, talk func(*talk)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { talk(newTalk(t)) })
}

func sleep(d time.Duration) { <-time.After(d) }

func TestWhatRemainsLessWhatRunsMayStartUntilTheReset(t *testing.T) {
	in(t, func(c *talk) {
		c.begins()
		c.begins()
		c.ends(c.begins(), says(5, 30*time.Second))
		if n, next := c.Soon(time.Now(), 10*time.Second); n != 3 || !next.Equal(c.begin.Add(20*time.Second)) {
			t.Errorf("%d soon, more at %v", n, next.Sub(c.begin))
		}
		sleep(10 * time.Second)
		c.begins()
		c.begins()
		c.begins()
		c.waits(20 * time.Second)
		if is := c.pace.Told(time.Now()); !is.Known || is.Remaining != 0 || !is.Reset.Equal(c.begin.Add(30*time.Second)) {
			t.Errorf("%+v", is)
		}
		sleep(20 * time.Second)
		c.may(5) // of ten slots five are taken
		if is := c.pace.Told(time.Now()); is.Known || is.Waiting {
			t.Errorf("after the reset: %+v", is)
		}
	})
}

func TestNothingStartsWhereNothingRemains(t *testing.T) {
	in(t, func(c *talk) {
		c.ends(c.begins(), says(0, time.Minute))
		c.waits(time.Minute)
		sleep(time.Minute)
		c.may(10)
	})
}

func TestTheNewestAnswerCounts(t *testing.T) {
	in(t, func(c *talk) {
		old := c.begins()
		c.ends(c.begins(), says(3, 10*time.Second))
		c.ends(c.begins(), says(8, time.Minute)) // began after the first was said
		c.ends(old, says(100, time.Minute))      // began before either
		c.may(7)                                 // one ran as this was said
	})
}

func TestOfAnswersOfOneTimeTheLowestCounts(t *testing.T) {
	in(t, func(c *talk) {
		one, two, three := c.begins(), c.begins(), c.begins()
		c.ends(three, says(7, time.Minute))
		c.ends(one, says(9, time.Minute))
		c.ends(two, says(8, time.Minute))
		c.may(5) // seven less the two that ran as this was said
		sleep(time.Minute)
		one, two, three = c.begins(), c.begins(), c.begins()
		c.ends(one, says(9, time.Minute))
		c.ends(three, says(3, time.Minute))
		c.ends(two, says(8, time.Minute))
		c.may(2) // three less the one that ran
	})
}

func TestARequestThatBeganLastButWasCountedFirstBringsNothingBack(t *testing.T) {
	in(t, func(c *talk) {
		var before []*ratelimit.Try
		for range 9 {
			before = append(before, c.begins())
		}
		c.ends(c.begins(), says(10, time.Minute))
		last := c.begins() // by what remains less what runs
		for _, try := range before[1:] {
			c.ends(try, says(20, time.Minute))
		}
		c.ends(before[0], says(3, time.Minute)) // counted after the last one
		c.ends(last, says(8, time.Minute))
		c.may(3)
	})
}

func TestAnAnswerOfTheWindowBeforeIsNoWordOnThisOne(t *testing.T) {
	in(t, func(c *talk) {
		old, one := c.begins(), c.begins()
		c.ends(one, says(15, 5*time.Second)) // of a window that has just begun
		c.ends(old, says(0, time.Second))    // of the one before
		sleep(time.Second)
		c.may(10)
		c.may(4) // fifteen less the one that ran
		c.waits(4 * time.Second)
	})
}

func TestOfTwoWindowsTheNewerCounts(t *testing.T) {
	in(t, func(c *talk) {
		one, two := c.begins(), c.begins()
		c.ends(one, says(3, time.Second))
		c.ends(two, says(8, 30*time.Second))
		c.may(8)
		c.waits(30 * time.Second)
	})
}

func TestOneResetInWholeSecondsIsTheLaterOfTwoWords(t *testing.T) {
	in(t, func(c *talk) {
		one, two := c.begins(), c.begins()
		c.ends(one, says(9, 5*time.Second))
		c.ends(two, says(0, 4*time.Second))
		c.waits(5 * time.Second)
	})
}

func TestAnAnswerThatIsHeardLateIsOfNoLaterWindow(t *testing.T) {
	in(t, func(c *talk) {
		slow := c.begins()
		sleep(9 * time.Second)
		c.ends(c.begins(), says(3, 50*time.Second))
		sleep(time.Second)
		c.ends(slow, says(20, time.Minute)) // written ten seconds ago
		c.may(2)                            // three less the one that ran
		c.waits(49 * time.Second)
	})
}

func TestLimitsOfDifferentNamesAreKeptApart(t *testing.T) {
	in(t, func(c *talk) {
		r := says(0, time.Minute)
		r.Limits = []message.Limit{{Name: "second", Remaining: 0, Reset: time.Second}, {Name: "day", Remaining: 4, Reset: time.Hour}}
		c.ends(c.begins(), r)
		c.waits(time.Second)
		sleep(time.Second)
		c.may(4)
	})
}

func TestALimitOfEachTenantIsNotTheTargets(t *testing.T) {
	in(t, func(c *talk) {
		of := func(tenant string, remaining int) message.Result {
			return message.Result{Outcome: message.Delivered, Status: 200, Limits: []message.Limit{{Name: "tenant", Partition: tenant, Remaining: remaining, Reset: time.Minute}}}
		}
		c.ends(c.begins(), of("a", 1))
		try := c.begins()
		c.waits(time.Minute) // there is but one so far
		c.ends(try, of("b", 0))
		c.may(10)
		c.ends(c.begins(), of("a", 0))
		c.may(10)
	})
}

func TestMoreLimitsThanCanBeKeptApartAreIgnored(t *testing.T) {
	in(t, func(c *talk) {
		for i := range 9 {
			r := says(50, time.Minute)
			r.Limits[0].Name = string(rune('a' + i))
			if i == 8 {
				r.Limits[0].Remaining = 0
			}
			c.ends(c.begins(), r)
		}
		c.may(10)
	})
}

func TestALongResetIsAskedAboutAfterAnHour(t *testing.T) {
	in(t, func(c *talk) {
		c.ends(c.begins(), says(0, 24*time.Hour))
		c.waits(time.Hour)
		sleep(time.Hour)
		ask := c.begins()
		if want := c.Start(time.Now(), new(ratelimit.Try), 10, agreed); want != ratelimit.Slot {
			t.Errorf("a second delivery asks: %v", want)
		}
		c.ends(ask, says(0, 23*time.Hour))
		c.waits(time.Hour)
		sleep(time.Hour)
		woken := c.woken
		c.ends(c.begins(), says(1000, 22*time.Hour))
		if c.woken == woken {
			t.Error("nobody is woken as there are more")
		}
		c.may(10)
	})
}

func TestARetryAfterOfSeveralInARowIsTheTargets(t *testing.T) {
	in(t, func(c *talk) {
		for i := range 4 {
			if c.ends(c.begins(), refuses(time.Minute)) {
				t.Errorf("believed the %d.", i+1)
			}
		}
		c.End(time.Now(), c.begins(), refuses(time.Minute), 0) // a retry says no more
		c.may(10)
		late := c.begins()
		if !c.ends(c.begins(), refuses(time.Minute)) {
			t.Error("the fifth in a row is not believed")
		}
		if !c.ends(late, refuses(time.Minute)) {
			t.Error("one that ran as the target was believed is not announced")
		}
		c.waits(time.Minute)
		if n, next := c.Soon(time.Now(), 10*time.Second); n != 0 || !next.Equal(c.begin.Add(50*time.Second)) {
			t.Errorf("%d soon, more at %v", n, next.Sub(c.begin))
		}
		sleep(time.Minute)
		ask := c.begins()
		if n := c.Usable(time.Now(), 10); n != 0 {
			t.Errorf("%d usable while one asks", n)
		}
		if !c.ends(ask, refuses(time.Second)) {
			t.Error("who asks is not believed")
		}
		c.waits(6 * time.Second) // a tenth of the time since the first
		sleep(6 * time.Second)
		c.ends(c.begins(), delivered)
		c.may(10)
		c.ends(c.begins(), refuses(time.Minute))
		if !c.ends(c.begins(), refuses(time.Minute)) {
			t.Error("it was so within the hour, and two are not enough")
		}
		c.waits(time.Minute)
	})
}

func TestARequestOfSeveralThatIsToldToWaitHasMessagesTriedAlone(t *testing.T) {
	in(t, func(c *talk) {
		refused := func(messages int) bool { return c.End(time.Now(), c.begins(), refuses(time.Minute), messages) }
		joins := func(want bool) {
			t.Helper()
			if c.Joins() != want {
				t.Errorf("a request may carry several: %v", !want)
			}
		}
		refused(0)
		joins(true) // a retry says no more
		refused(1)
		c.ends(c.begins(), delivered)
		joins(true)
		for range 9 {
			if refused(5) {
				t.Fatal("believed, and it may have been for the sake of one")
			}
		}
		joins(false)
		refused(1)
		joins(false)
		c.ends(c.begins(), delivered)
		joins(true)

		refused(5)
		for i := range 5 {
			if got := refused(1); got != (i == 4) {
				t.Errorf("%d refused alone: believed: %v", i+1, got)
			}
		}
		sleep(time.Minute)
		joins(true) // who asks may ask for several, once
		refused(5)
		joins(false)
		sleep(time.Minute)
		c.ends(c.begins(), delivered)
		joins(true)
	})
}

func TestThePauseOfWhoAsksCountsFromTheFirstRefusalOfSeveralToo(t *testing.T) {
	in(t, func(c *talk) {
		c.End(time.Now(), c.begins(), refuses(time.Second), 5)
		sleep(59 * time.Second)
		for range 5 {
			c.ends(c.begins(), refuses(time.Second))
		}
		c.waits(time.Second)
		sleep(time.Second)
		c.ends(c.begins(), refuses(time.Second))
		c.waits(6 * time.Second) // a tenth of the time since the first
	})
}

func TestARetryAfterBesideDeliveriesIsNotTheTargets(t *testing.T) {
	in(t, func(c *talk) {
		for range 20 {
			one, other := c.begins(), c.begins()
			c.ends(other, delivered)
			if c.ends(one, refuses(time.Minute)) {
				t.Fatal("believed")
			}
		}
		c.may(10)
	})
}

func TestRetryAftersOfRequestsThatRanBesideADeliveryAreNotTheTargets(t *testing.T) {
	in(t, func(c *talk) {
		var crowd []*ratelimit.Try
		for range 9 {
			crowd = append(crowd, c.begins())
		}
		sleep(time.Second)
		c.ends(c.begins(), delivered)
		for _, try := range crowd {
			if c.ends(try, refuses(time.Minute)) {
				t.Fatal("believed")
			}
		}
		c.may(10)
	})
}

func TestA503ThatAsksToWaitIsAnOutage(t *testing.T) {
	in(t, func(c *talk) {
		for range 20 {
			if c.ends(c.begins(), message.Result{Outcome: message.Unavailable, Status: 503, RetryAfter: time.Minute}) {
				t.Fatal("announced")
			}
		}
		c.may(10)
	})
}

func TestWhatTheTargetSaysIsIgnoredWhereItIsNotFollowed(t *testing.T) {
	in(t, func(c *talk) {
		c.pace.Set(time.Now(), ratelimit.Limits{Concurrency: 10})
		for range 20 {
			r := refuses(time.Minute)
			r.Limits = says(0, time.Minute).Limits
			c.ends(c.begins(), r)
		}
		c.may(10)
		if is := c.pace.Told(time.Now()); is != (ratelimit.Told{}) {
			t.Errorf("%+v", is)
		}
	})
}

func TestTheBeginAndTheEndOfWaitingAreTold(t *testing.T) {
	in(t, func(c *talk) {
		r := says(0, time.Minute)
		r.LimitsIgnored = 3
		c.ends(c.begins(), r)
		if all := c.pace.ToldChanges(time.Now()); len(all) != 1 || !all[0].Waiting || !all[0].Until.Equal(c.begin.Add(time.Minute)) {
			t.Errorf("%+v", all)
		}
		if is := c.pace.Told(time.Now()); !is.Waiting || !is.Since.Equal(c.begin) || is.Ignored != 3 {
			t.Errorf("%+v", is)
		}
		sleep(time.Minute)
		if all := c.pace.ToldChanges(time.Now()); len(all) != 1 || all[0].Waiting || all[0].Lasted != time.Minute {
			t.Errorf("%+v", all)
		}
	})
}

func TestARemainderThatRefillsIsUsed(t *testing.T) {
	in(t, func(c *talk) {
		// A bucket of ten that refills one every 100 ms, and says when it is full.
		tokens, at := 10.0, time.Now()
		answer := func() message.Result {
			tokens, at = min(10, tokens+time.Since(at).Seconds()*10), time.Now()
			tokens--
			if tokens < 0 {
				tokens++
				t.Fatal("it is passed")
			}
			return says(int(tokens), max(time.Second, time.Duration((10-tokens)*float64(100*time.Millisecond)).Round(time.Second)))
		}
		n := 0
		for time.Since(c.begin) < 30*time.Second {
			try := new(ratelimit.Try)
			if c.Start(time.Now(), try, 10, agreed) != ratelimit.Nothing {
				sleep(10 * time.Millisecond)
				continue
			}
			n++
			r := answer()
			sleep(20 * time.Millisecond)
			c.ends(try, r)
		}
		if n < 270 {
			t.Errorf("%d of 300 started", n)
		}
	})
}
