package queue

import (
	"net/http"
	"testing"
	"time"
)

// dates is a clock that responds come to, of SQS's time at their start or at their end.
type dates struct {
	clock

	now  time.Time     // ours, by which calls come one after the other
	true time.Duration // SQS's clock less ours
}

func (d *dates) respond(took, written time.Duration) {
	sent := d.now
	d.now = d.now.Add(took)
	at := sent.Add(written + d.true)
	d.note(sent, d.now, http.Header{"Date": {at.UTC().Format(http.TimeFormat)}})
}

func (d *dates) is(t *testing.T, what string, want time.Duration) {
	t.Helper()
	if is := d.clock.now(); (is - want).Abs() > clockNoise {
		t.Errorf("%s: the offset is %v, not %v", what, is, want)
	}
}

func TestAResponseThatComesLateIsNoClockThatIsOff(t *testing.T) {
	for _, offset := range []time.Duration{0, 10 * time.Minute, -time.Hour} {
		for name, written := range map[string]time.Duration{"SQS was slow": 15 * time.Second, "the way was slow": 0, "both": 8 * time.Second} {
			d := dates{now: time.Now(), true: offset}
			d.respond(20*time.Millisecond, 10*time.Millisecond)
			d.is(t, "the first response", offset)
			for range 2 * clockSamples {
				d.respond(15*time.Second, written)
				d.is(t, name, offset)
			}
		}
	}
}

func TestAClockThatIsSetDuringALongPollIsKnownByItsResponse(t *testing.T) {
	for _, by := range []time.Duration{10 * time.Minute, 10 * time.Second, -10 * time.Second, -10 * time.Minute} {
		d := dates{now: time.Now()}
		d.respond(20*time.Millisecond, 10*time.Millisecond)
		d.respond(20*time.Second, 20*time.Second)
		d.true = -by
		d.wall = d.wall.Add(-by) // as if our wall clock had gone on by so much more
		d.respond(20*time.Second, 20*time.Second)
		d.is(t, "set by "+by.String(), -by)
		d.respond(20*time.Millisecond, 10*time.Millisecond)
		d.is(t, "set by "+by.String()+", after a quick response", -by)
	}
}

func TestAMachineThatWasSuspendedHasTheSameClock(t *testing.T) {
	d := dates{now: time.Now()}
	d.respond(20*time.Millisecond, 10*time.Millisecond)
	d.wall = d.wall.Add(-time.Hour) // the monotonic clock stood still for an hour
	d.respond(20*time.Second, 20*time.Second)
	d.is(t, "the poll that the hour interrupted", 0)
}

func TestAClockThatIsSetIsKnownByTheNextResponse(t *testing.T) {
	var c clock
	now := time.Now()
	respond := func(theirs time.Time) {
		header := http.Header{"Date": {theirs.UTC().Format(http.TimeFormat)}}
		c.note(now.Add(-10*time.Millisecond), now, header)
		now = now.Add(20 * time.Second)
	}
	for range 12 {
		respond(now)
	}
	if is := c.now(); is != 0 {
		t.Fatalf("the offset is %v", is)
	}
	// Our wall clock goes back by ten minutes: the last response came later by it than now.
	c.wall = c.wall.Add(10 * time.Minute)
	respond(now.Add(10 * time.Minute))
	if is := c.now(); (is - 10*time.Minute).Abs() > clockNoise {
		t.Errorf("the offset is %v after one response", is)
	}
	respond(now.Add(10 * time.Minute))
	if is := c.now(); (is - 10*time.Minute).Abs() > clockNoise {
		t.Errorf("the offset is %v after two", is)
	}
	respond(now) // one response is no proof that the clocks agree again
	if is := c.now(); is == 0 {
		t.Error("one response of three is believed")
	}
}
