package ratelimit_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

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
		until := c.begin.Add(time.Minute)
		if all := c.pace.ToldChanges(time.Now()); len(all) != 1 || !all[0].Waiting || !all[0].Until.Equal(until) {
			t.Errorf("%+v", all)
		}
		asks := func(after, left time.Duration) {
			t.Helper()
			c.waits(after)
			if is := c.pace.Told(time.Now()); !is.Waiting || is.Remaining != 0 || !is.Reset.Equal(until) {
				t.Errorf("%+v", is)
			}
			sleep(after)
			ask := c.begins()
			if is := c.pace.Told(time.Now()); !is.Waiting || is.Remaining != 0 || !is.Reset.Equal(until) {
				t.Errorf("while one asks: %+v", is)
			}
			c.ends(ask, refuses(left))
		}
		asks(time.Second, 59*time.Second)
		asks(time.Second, 58*time.Second)
		asks(2*time.Second, 56*time.Second)
		asks(4*time.Second, 52*time.Second)
		asks(8*time.Second, 44*time.Second)
		asks(16*time.Second, 28*time.Second)
		c.waits(28 * time.Second)
		if n, next := c.Soon(time.Now(), 10*time.Second); n != 0 || !next.Equal(c.begin.Add(50*time.Second)) {
			t.Errorf("%d soon, more at %v", n, next.Sub(c.begin))
		}
		sleep(28 * time.Second)
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
		c.waits(time.Second)
	})
}

func TestRefusalsInARowThatAnotherMessageDoesNotGetWereNotTheTargetsWord(t *testing.T) {
	in(t, func(c *talk) {
		for range 3 {
			for i := range 5 {
				if c.ends(c.begins(), refuses(10*time.Minute)) != (i == 4) {
					t.Errorf("the %d. in a row", i+1)
				}
			}
			sleep(time.Second)
			c.ends(c.begins(), delivered)
			if is := c.pace.Told(time.Now()); is.Known || is.Waiting {
				t.Errorf("%+v", is)
			}
			c.may(10)
		}
	})
}

func TestWhoAsksAndGetsNoAnswerSaysNothingOfTheTargetsWord(t *testing.T) {
	in(t, func(c *talk) {
		for range 5 {
			c.ends(c.begins(), refuses(time.Minute))
		}
		sleep(time.Second)
		c.ends(c.begins(), message.Result{Outcome: message.Failed, Status: 500})
		c.may(10)
		c.ends(c.begins(), delivered)
		c.ends(c.begins(), refuses(time.Minute))
		if !c.ends(c.begins(), refuses(time.Minute)) {
			t.Error("it was so within the hour, and two are not enough")
		}
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
