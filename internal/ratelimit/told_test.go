package ratelimit_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

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
