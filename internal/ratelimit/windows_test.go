package ratelimit_test

import (
	"testing"
	"time"
)

// Of which window an answer speaks, when requests ran at the same time.

func TestWhoIsToldToComeBackSoonerSpeaksOfNoWindowBefore(t *testing.T) {
	in(t, func(c *talk) {
		used := says(0, 55*time.Second)
		used.Limits[0].Wait = 2 * time.Second
		old, one, late, last := c.begins(), c.begins(), c.begins(), c.begins()
		c.ends(one, says(7, 55*time.Second))
		c.ends(old, used)
		c.waits(2 * time.Second)
		c.ends(late, says(7, 55*time.Second)) // was counted before
		c.ends(last, says(0, 55*time.Second)) // took what remained
		c.waits(2 * time.Second)
		sleep(2 * time.Second)
		c.ends(c.begins(), says(7, 53*time.Second)) // as it has said, there is more
		c.may(7)
	})
}

func TestARetryAfterIsKeptToThoughItsWindowEndsBefore(t *testing.T) {
	in(t, func(c *talk) {
		used := says(0, 5*time.Second)
		used.Limits[0].Wait = time.Minute
		other := c.begins()
		c.ends(c.begins(), used)
		c.ends(other, says(0, 5*time.Second))
		c.waits(time.Minute)
		ask := says(0, 5*time.Second)
		ask.Limits[0].Wait = 2 * time.Hour
		sleep(time.Minute)
		c.ends(c.begins(), ask)
		c.waits(time.Hour)
		sleep(time.Hour)
		c.may(1) // one asks
	})
}

func TestOfTwoWindowsThatBothLastTheLowerCounts(t *testing.T) {
	in(t, func(c *talk) {
		old, one := c.begins(), c.begins()
		c.ends(one, says(7, time.Minute))
		c.ends(old, says(0, 10*time.Second)) // of another limit, and not of the window before
		c.waits(10 * time.Second)
		sleep(10 * time.Second)
		old, one = c.begins(), c.begins()
		c.ends(one, says(0, 10*time.Second))
		c.ends(old, says(7, time.Minute)) // and not of the next
		c.waits(10 * time.Second)
		sleep(10 * time.Second)
		old, one = c.begins(), c.begins()
		c.ends(one, says(7, 10*time.Second))
		c.ends(old, says(0, time.Minute))
		c.waits(time.Minute)
	})
}

func TestAnAnswerThatIsHeardLateMayBeOfTheWindowBefore(t *testing.T) {
	in(t, func(c *talk) {
		slow, one := c.begins(), c.begins()
		sleep(9 * time.Second)
		c.ends(one, says(7, time.Minute))
		c.ends(slow, says(0, 10*time.Second)) // written up to nine seconds ago, of one that may have ended
		c.may(6)                              // seven less the one that ran
		c.waits(time.Minute)
	})
}

func TestALateAnswerDoesNotShortenTheWindowThatOthersSpokeOf(t *testing.T) {
	in(t, func(c *talk) {
		slow := c.begins()
		sleep(9 * time.Second)
		one, other := c.begins(), c.begins()
		c.ends(one, says(0, 10*time.Second))
		c.ends(slow, says(0, 10*time.Second))
		c.ends(other, says(7, time.Minute))
		c.waits(10 * time.Second)
	})
}

func TestWhatIsHeardAfterALateAnswerMayBeOfTheNextWindow(t *testing.T) {
	in(t, func(c *talk) {
		slow, one := c.begins(), c.begins()
		sleep(9 * time.Second)
		c.ends(slow, says(0, 10*time.Second))
		c.ends(one, says(7, time.Minute))
		c.may(7)
		c.waits(time.Minute)
	})
}
