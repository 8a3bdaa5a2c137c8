package queue

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheEarliestMomentOfAnAnswerIsKnownWithinTwoSecondsAndNeverTooLate(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		offset := time.Duration(r.Int64N(int64(2*time.Hour))) - time.Hour
		var a ahead
		now, quick := epoch, 0
		for range 60 {
			now = now.Add(time.Duration(r.Int64N(int64(10 * time.Second))))
			sent := now
			written := sent.Add(time.Duration(r.Int64N(int64(10 * time.Millisecond))))
			came := written.Add(time.Duration(r.Int64N(int64(10 * time.Millisecond))))
			switch r.IntN(4) {
			case 0: // a long poll
				written = written.Add(time.Duration(r.Int64N(int64(20 * time.Second))))
				came = written.Add(time.Millisecond)
			case 1: // a late response
				came = written.Add(time.Duration(r.Int64N(int64(25 * time.Second))))
			default:
				quick++
			}
			now = came
			date := written.Add(offset).Truncate(time.Second)
			a.note(date, sent, came)
			at := a.earliest(date, sent, came)
			if at.Before(sent) || at.After(written) {
				t.Fatalf("seed %d: written at %s, taken for %s; sent at %s", seed, written, at, sent)
			}
			if early := written.Sub(at); quick > 10 && early > dateStep+time.Second/2 {
				t.Fatalf("seed %d: taken for %s too early after %d quick answers", seed, early, quick)
			}
		}
	}
}

func TestAClockThatIsSetIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 10 * time.Second, -10 * time.Second} {
		var a ahead
		for i := range 30 {
			sent := epoch.Add(time.Duration(i) * 1100 * time.Millisecond)
			if i == 29 {
				sent = sent.Add(-jump) // on a clock that stood still for a while, or was behind
			}
			came := sent.Add(10 * time.Millisecond)
			date := epoch.Add(time.Duration(i) * 1100 * time.Millisecond).Truncate(time.Second)
			a.note(date, sent, came)
			if at := a.earliest(date, sent, came); at.Before(sent) || at.After(came) {
				t.Errorf("jump %s: an answer between %s and %s is taken for %s", jump, sent, came, at)
			}
		}
		// A late response after it is recognized as late.
		sent := epoch.Add(40*time.Second - jump)
		came := sent.Add(13 * time.Second)
		date := epoch.Add(40 * time.Second)
		a.note(date, sent, came)
		if at := a.earliest(date, sent, came); at.After(sent.Add(10 * time.Millisecond)) {
			t.Errorf("jump %s: an answer that came 13 s late is taken for %s old", jump, came.Sub(at))
		}
	}
}

func TestAClockThatDriftsIsFollowedThoughEachAnswerIsLate(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var a ahead
	// The first one is written at the end of its second, so its bound is the tightest.
	a.note(epoch.Add(-time.Second), epoch.Add(-time.Millisecond), epoch)
	for hours := range 24 {
		written := epoch.Add(time.Duration(hours) * time.Hour)
		date := written.Add(time.Duration(hours) * 200 * time.Millisecond).Truncate(time.Second) // 55 ppm ahead
		sent, came := written.Add(-10*time.Second), written.Add(10*time.Second)
		a.note(date, sent, came)
		if at := a.earliest(date, sent, came); at.After(written.Add(time.Millisecond)) {
			t.Fatalf("after %d hours an answer is taken for %s later than it is", hours, at.Sub(written))
		}
	}
}

func TestAnAnswerIsNeverTakenForLaterThanItCame(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var a ahead
	if at := a.earliest(now, now, now); !at.IsZero() {
		t.Errorf("taken for %s though no clock is known", at)
	}
	a.note(now.Truncate(time.Second), now, now)
	if at := a.earliest(now.Add(time.Hour), now, now); !at.Equal(now) {
		t.Errorf("taken for %s", at)
	}
}

func TestAReceiveTellsWhenItsMessagesWereHandedOut(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		var late time.Duration
		q, err := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b.server.ServeHTTP(w, r)
			<-time.After(late)
		}), nil).Open(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		b.Queue = q
		b.send(t, "one", "two")
		before := time.Now()
		if m := b.receive(t, 1, 0)[0]; m.HandedOut.Before(before) || m.HandedOut.After(time.Now()) {
			t.Errorf("handed out at %s, received between %s and %s", m.HandedOut, before, time.Now())
		}
		late = 9 * time.Second
		for range 12 { // however many are late, and so look like a clock that is behind
			handedOut := time.Now()
			m := b.receive(t, 1, time.Second)[0]
			if early := handedOut.Sub(m.HandedOut); early < 0 || early > 2*time.Second {
				t.Errorf("handed out at %s, taken for %s", handedOut, m.HandedOut)
			}
		}
	})
}
