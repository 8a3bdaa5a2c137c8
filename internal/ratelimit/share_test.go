package ratelimit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// greedy starts and counts deliveries of one share forever, like an owner whose queue is
// never empty.
type greedy struct {
	share *ratelimit.Share
	awake chan struct{}
	n     int
}

func join(p *ratelimit.Pace, weight float64) *greedy {
	g := &greedy{awake: make(chan struct{}, 1)}
	g.share = p.Join(weight, func() {
		select {
		case g.awake <- struct{}{}:
		default:
		}
	})
	return g
}

func (g *greedy) run(until <-chan struct{}, took time.Duration) {
	ended := make(chan struct{}, 1000)
	for {
		now := time.Now()
		want := start(g.share, now)
		if want == ratelimit.Nothing {
			g.n++
			time.AfterFunc(took, func() { ended <- struct{}{} })
			continue
		}
		var due <-chan time.Time
		if at := g.share.Due(); want == ratelimit.Token && !at.IsZero() {
			due = time.After(at.Sub(now))
		}
		select {
		case <-ended:
			g.share.End(time.Now(), new(ratelimit.Try), delivered, 1)
		case <-g.awake:
		case <-due:
		case <-until:
			g.share.Rest()
			return
		}
	}
}

func TestQueuesThatAllHaveWorkShareThePaceByTheirWeights(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits ratelimit.Limits
		took   time.Duration
	}{
		"slots": {ratelimit.Limits{Concurrency: 10}, 50 * time.Millisecond},
		"slots, and a delivery is shorter than a turn": {ratelimit.Limits{Concurrency: 3}, 2 * time.Millisecond},
		"tokens": {ratelimit.Limits{Concurrency: 1000, Limited: true, Rate: 100, Burst: 1}, 50 * time.Millisecond},
		"both":   {ratelimit.Limits{Concurrency: 5, Limited: true, Rate: 80, Burst: 4}, 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := ratelimit.New(c.limits)
				one, three := join(p, 1), join(p, 3)
				until := make(chan struct{})
				go one.run(until, c.took)
				go three.run(until, c.took)
				<-time.After(20 * time.Second)
				synctest.Wait()
				close(until)
				<-time.After(time.Second)
				synctest.Wait()
				if ratio := float64(three.n) / float64(one.n); ratio < 2.9 || ratio > 3.1 {
					t.Errorf("%d and %d starts with weights 1 and 3", one.n, three.n)
				}
			})
		})
	}
}

func TestWhatADryQueueDoesNotUseTheOthersDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := ratelimit.New(ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 100, Burst: 1})
		busy, dry := join(p, 1), join(p, 9)
		dry.share.SetDry(true)
		if part := busy.share.Part(); part != 1 {
			t.Errorf("the part of the only queue with work is %g", part)
		}
		until := make(chan struct{})
		go busy.run(until, 10*time.Millisecond)
		<-time.After(10 * time.Second)
		synctest.Wait()
		close(until)
		<-time.After(time.Second)
		synctest.Wait()
		if busy.n < 999 || busy.n > 1001 {
			t.Errorf("%d starts in 10 s at 100/s", busy.n)
		}
		dry.share.SetDry(false)
		if part := busy.share.Part(); part != 0.1 {
			t.Errorf("the part is %g beside one of nine times the weight", part)
		}
	})
}

func TestAQueueThatTurnsDryWakesNobody(t *testing.T) {
	t.Parallel()
	p := ratelimit.New(ratelimit.Limits{Concurrency: 10})
	woken := 0
	s, other := p.Join(1, func() { woken++ }), p.Join(3, func() { woken++ })
	for _, step := range []struct {
		dry  bool
		want float64
	}{{true, 1}, {false, 0.25}, {true, 1}} {
		if other.SetDry(step.dry); s.Part() != step.want || woken > 0 {
			t.Errorf("the part beside one that is dry, %v: %g, want %g; woken %d times", step.dry, s.Part(), step.want, woken)
		}
	}
}
