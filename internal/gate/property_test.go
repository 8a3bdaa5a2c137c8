package gate_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// life is what the test knows of a message.
type life struct {
	seat    int
	m       *gate.Message
	running bool
	probe   bool
	held    bool
}

// play has a gate live through steps drawn at random, and checks at each what always holds.
func playAtRandom(t *rapid.T) (*gate.Gate, [2]*gate.Seat, map[string]*life, time.Time, int) {
	g := gate.New(rapid.Uint64().Draw(t, "seed"))
	seats := [2]*gate.Seat{g.Join(func() {}), g.Join(func() {})}
	lives := make(map[string]*life)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	slots := rapid.IntRange(1, 20).Draw(t, "slots")
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	var strikes int64
	for range rapid.IntRange(1, 300).Draw(t, "steps") {
		id := rapid.SampledFrom(ids).Draw(t, "id")
		l := lives[id]
		switch rapid.IntRange(0, 5).Draw(t, "step") {
		case 0:
			now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 100, 1000, 5000, 60_000}).Draw(t, "ms")) * time.Millisecond)
			seats[0].Tick(now, slots)
		case 1, 2:
			if l == nil {
				l = &life{m: new(gate.Message), seat: rapid.IntRange(0, 1).Draw(t, "queue")}
				lives[id] = l
				seats[l.seat].Enter(l.m, id)
			}
			if l.running {
				continue
			}
			closed := g.State() == gate.Closed
			if l.running = seats[l.seat].Begin(now, l.m); l.running {
				l.probe, l.held = closed, false
			}
		case 3, 4:
			if l == nil || !l.running {
				continue
			}
			result := message.Result{
				Outcome:  rapid.SampledFrom(message.Outcomes()).Draw(t, "outcome"),
				Canceled: rapid.IntRange(0, 20).Draw(t, "canceled") == 0,
			}
			if result.Outcome > message.Rejected && rapid.Bool().Draw(t, "told") {
				result.RetryAfter = time.Second
			}
			l.running, l.probe = false, false
			if seats[l.seat].End(now, l.m, result, slots) == gate.Held {
				if l.held = true; seats[l.seat].Next(l.m).Before(now) {
					t.Fatal("it is to be tried before it failed")
				}
				continue
			}
			seats[l.seat].Leave(l.m)
			delete(lives, id)
		case 5:
			if l == nil || l.running {
				continue
			}
			if seats[l.seat].Review(now, l.m) && !l.held {
				t.Fatal("one that is not held is given up")
			}
			if rapid.Bool().Draw(t, "room") {
				seats[l.seat].Release(l.m)
			}
			seats[l.seat].Leave(l.m)
			delete(lives, id)
		}
		strikes = check(t, g, seats, lives, now, slots, strikes)
	}
	return g, seats, lives, now, slots
}

func check(t *rapid.T, g *gate.Gate, seats [2]*gate.Seat, lives map[string]*life, now time.Time, slots int, strikes int64) int64 {
	s := g.Status(slots)
	held, probes := 0, 0
	for _, l := range lives {
		if l.held {
			held++
		}
		if l.probe && s.State == gate.Closed {
			probes++
		}
	}
	switch {
	case s.Held != held:
		t.Fatalf("%d are held, it says %d", held, s.Held)
	case probes > 1:
		t.Fatalf("%d probes run", probes)
	case s.Limit < 1 || s.Limit > slots:
		t.Fatalf("%d may run of %d", s.Limit, slots)
	case s.Strikes < strikes:
		t.Fatal("strikes are taken back")
	case s.Messages < 0 || s.Retried < 0 || s.Retried > 1:
		t.Fatalf("%+v", s)
	case s.NextProbe.IsZero() != (s.State != gate.Closed):
		t.Fatalf("%+v", s)
	}
	for _, seat := range seats {
		seat.Report(gate.Hand{Receives: true})
		l := seat.Receive(now, slots)
		if l.Most < 0 || l.Most > 10 || l.NoRoom && l.Most > 0 || l.Alone && l.Most != 1 {
			t.Fatalf("%+v", l)
		}
		if at := seat.Wake(now); !at.IsZero() && !at.After(now) {
			t.Fatalf("it is to be looked at %v ago", now.Sub(at))
		}
	}
	return s.Strikes
}

func TestWhateverHappensLimitsAndCountsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { playAtRandom(t) })
}

func TestWhateverHappenedTheGateOpensWhenTheTargetIsWell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, seats, lives, now, slots := playAtRandom(t)
		for id, l := range lives {
			if l.running {
				seats[l.seat].End(now, l.m, message.Result{Outcome: message.Connection, RetryAfter: time.Second}, slots)
			}
			seats[l.seat].Leave(l.m)
			delete(lives, id)
		}
		for range 500 {
			if g.State() == gate.Open && g.Status(slots).Messages == 0 {
				break
			}
			now = now.Add(100 * time.Millisecond)
			seats[0].Tick(now, slots)
			m := new(gate.Message)
			seats[0].Enter(m, "good")
			if seats[0].Begin(now, m) {
				seats[0].End(now, m, message.Result{Outcome: message.Delivered}, slots)
			}
			seats[0].Leave(m)
		}
		if g.State() != gate.Open {
			t.Fatalf("after 50 s it is %s", g.State())
		}
		if s := g.Status(slots); s.Held != 0 || s.Messages != 0 {
			t.Fatalf("%+v", s)
		}
	})
}
