package gate_test

import (
	"strings"
	"testing"
	"time"
)

// pauses plays a script under many seeds, and gives the shortest and the longest time that
// a, which has just failed, waits.
func pauses(t *testing.T, script string) (shortest, longest time.Duration) {
	t.Helper()
	for seed := range uint64(500) {
		r := newRig(seed)
		r.play(t, script)
		pause := r.seat.Next(r.hand["a"]).Sub(r.now)
		if seed == 0 {
			shortest, longest = pause, pause
		}
		shortest, longest = min(shortest, pause), max(longest, pause)
	}
	return shortest, longest
}

func TestAHeldMessageIsTriedAgain(t *testing.T) {
	t.Parallel()
	tries := func(n int, answer string) string { return strings.Repeat(" a:"+answer, n) }
	for _, test := range []struct {
		rule, script string
		want         time.Duration // within half of it and half as much again
	}{
		{"after 200 ms", "o:ok a:500", 200 * time.Millisecond},
		{"after twice that the next time", "o:ok a:500 a:500", 400 * time.Millisecond},
		{"and again", "o:ok" + tries(3, "500"), 800 * time.Millisecond},
		{"after a second at most", "o:ok" + tries(4, "500"), time.Second},
		{"after a second though it was tried often", "o:ok" + tries(100, "500"), time.Second},
		{"after half of the time that nothing has succeeded", "o:ok a> +8s a=500", 4 * time.Second},
		{"up to ten seconds", "o:ok a> +2m a=500", 10 * time.Second},
		{"not so when something has succeeded", "o:ok a> +8s a=500 p:ok", 200 * time.Millisecond},
		{"not so who has a record", "o:ok a:500 +1ms p:ok a?x xyz> xyz:500 +8s a:500", 200 * time.Millisecond},
		{"after 30 s where the target refuses it and retrying is in vain", "o:ok" + tries(12, "429"), 30 * time.Second},
		{"so who was refused for what it is", "o:ok" + tries(12, "429") + " b:429a p:ok", 30 * time.Second},
		{"nor when only what began before is delivered", "o:ok p>" + tries(12, "429") + " a:429a p=ok", 30 * time.Second},
		{"not where half of the first tries are refused as well", "op:ok bcd:429" + tries(12, "429"), time.Second},
		{"after 10 s where it answers 503", "o:ok" + tries(40, "503"), 10 * time.Second},
		{"not after any other answer", "o:ok" + tries(12, "429") + " a:500", time.Second},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			shortest, longest := pauses(t, test.script)
			if shortest < test.want/2 || shortest > test.want*52/100 || longest < test.want*148/100 || longest >= test.want*3/2 {
				t.Errorf("after %v to %v, want half of %v to as much again", shortest, longest, test.want)
			}
		})
	}
	for _, test := range []struct {
		rule, script string
		want         time.Duration
	}{
		{"when the target that was waited for takes one again", "o:ok" + tries(12, "429") + " a:429a p:ok", 0},
		{"not before its Retry-After then", "o:ok" + tries(12, "429") + " a:429a/30s p:ok", 30 * time.Second},
		{"when Retry-After said", "o:ok a:503/30s", 30 * time.Second},
		{"when a 429 said", "opqrstuvwxyz:ok a:429/30s", 30 * time.Second},
		{"when Retry-After said, whatever succeeds", "o:ok a:503/30s +1ms p:ok", 30*time.Second - time.Millisecond},
		{"after ten minutes, though it said an hour", "o:ok a:503/1h", 10 * time.Minute},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			if shortest, longest := pauses(t, test.script); shortest != test.want || longest != test.want {
				t.Errorf("after %v to %v, want %v", shortest, longest, test.want)
			}
		})
	}
	t.Run("not sooner than in trouble, though Retry-After is short", func(t *testing.T) {
		t.Parallel()
		if shortest, longest := pauses(t, "o:ok a> +2m a=503/1s"); shortest < 5*time.Second || longest < 10*time.Second {
			t.Errorf("after %v to %v", shortest, longest)
		}
	})
	t.Run("immediately when the gate has opened again, whatever it was told", func(t *testing.T) {
		t.Parallel()
		if _, longest := pauses(t, "o:ok a:503/10m bcde:500 wary +1s tick closed probe p:ok half_open"); longest > 0 {
			t.Errorf("after %v", longest)
		}
	})
	t.Run("later if it has failed since", func(t *testing.T) {
		t.Parallel()
		if shortest, _ := pauses(t, "o:ok a:503/10m bcde:500 wary +1s tick closed probe p:ok half_open a:500"); shortest < 100*time.Millisecond {
			t.Errorf("after %v", shortest)
		}
	})
}

func TestTheSameSeedGivesTheSameTimes(t *testing.T) {
	t.Parallel()
	next := func(seed uint64, id string) time.Time {
		r := newRig(seed)
		r.play(t, "o:ok "+id+":500")
		return r.seat.Next(r.hand[id])
	}
	if a, again, b, other := next(1, "a"), next(1, "a"), next(1, "b"), next(2, "a"); !a.Equal(again) || a.Equal(b) || a.Equal(other) {
		t.Errorf("a at %v and at %v, b at %v, by another seed at %v", a, again, b, other)
	}
	r := newRig(1)
	r.play(t, "o:ok"+strings.Repeat(" a:500", 4))
	first := r.seat.Next(r.hand["a"])
	if r.play(t, "a:500"); first.Equal(r.seat.Next(r.hand["a"])) {
		t.Error("each try of a message waits equally long")
	}
}

// A probe begins a tenth of how long the trouble has lasted, 1 to 10 s, after the last one began.
func TestTheGapBetweenProbesGrowsWithTheTrouble(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		script string
		want   time.Duration
	}{
		{toClosed, time.Second},
		{toClosed + "probe f> f=500", time.Second},
		{toClosed + "+49s f:500", 5 * time.Second},
		{toClosed + "+1h f:500", 10 * time.Second},
		{toClosed + "+1h f> f=cut", 10 * time.Second},
	} {
		shortest, longest := time.Hour, time.Duration(0)
		for seed := range uint64(500) {
			r := newRig(seed)
			r.play(t, test.script)
			gap := r.Status(10).NextProbe.Sub(r.now)
			shortest, longest = min(shortest, gap), max(longest, gap)
		}
		if shortest < test.want/2 || shortest > test.want*52/100 || longest < test.want*148/100 || longest >= test.want*3/2 {
			t.Errorf("%s: %v to %v, want half of %v to as much again", test.script, shortest, longest, test.want)
		}
	}
	// A due probe is left for a second to a queue with a message that was never tried: that second
	// begins when the last probe ends, however long it took.
	r := play(t, toClosed+"probe f> +5s f=500")
	if due := r.Status(10).NextProbe; !due.Equal(r.now) {
		t.Errorf("after a probe of five seconds the next is due at %v, it is %v", due, r.now)
	}
	r = play(t, toClosed)
	gaps := make(map[time.Duration]bool)
	for range 5 {
		r.play(t, "probe f> f=cut")
		gaps[r.Status(10).NextProbe.Sub(r.now)] = true
	}
	if len(gaps) < 5 {
		t.Errorf("%d different gaps of five", len(gaps))
	}
	if at := play(t, toHalf).Status(10).NextProbe; !at.IsZero() {
		t.Errorf("a half-open gate has a probe at %v", at)
	}
}
