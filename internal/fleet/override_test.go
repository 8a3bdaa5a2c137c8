package fleet

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// says is a change that sets a text.
func says(text string) func(string, time.Duration) (string, error) {
	return func(string, time.Duration) (string, error) { return text, nil }
}

func mustRewrite(t *testing.T, j *joined, text string) {
	t.Helper()
	if err := j.fleet.Rewrite(t.Context(), says(text)); err != nil {
		t.Fatal(err)
	}
}

func TestAnOverrideReachesAllReplicasAndThoseThatJoinBeforeTheyAskForAnything(t *testing.T) {
	withTwo(t, func(b bubble) {
		t, l, one, two := b.t, b.link, b.one, b.two
		mustRewrite(t, one, "paused")
		if one.has() != "paused" {
			t.Errorf("the replica that was told has heard %q", one.has())
		}
		time.Sleep(time.Second) // a heartbeat
		if two.has() != "paused" {
			t.Errorf("the other one has heard %q", two.has())
		}
		three := join(t, l, "three", nil)
		time.Sleep(10 * time.Millisecond)
		if three.has() != "paused" || three.records != 2 {
			t.Errorf("one that joins has heard %q when there were %d records", three.has(), three.records)
		}
		mustRewrite(t, three, "resumed")
		time.Sleep(time.Second)
		if one.has() != "resumed" || two.has() != "resumed" || one.fleet.Override() != "resumed" {
			t.Errorf("heard %q and %q", one.has(), two.has())
		}
		if one.told() != 2 || two.told() != 2 || three.told() != 2 {
			t.Errorf("told %d, %d and %d times", one.told(), two.told(), three.told())
		}
		leaveAll(three)
	})
}

func TestAnOverrideSurvivesALostMemoryAndTheNewestHolds(t *testing.T) {
	withTwo(t, func(b bubble) {
		t, l, one, two := b.t, b.link, b.one, b.two
		mustRewrite(t, one, "old")
		time.Sleep(2 * time.Second)
		l.mu.Lock()
		old := l.store.copied()
		l.mu.Unlock()
		mustRewrite(t, one, "new")
		time.Sleep(2 * time.Second)
		for name, memory := range map[string]memory{"empty": {}, "a file that is too old": old} {
			l.mu.Lock()
			l.store.restore(memory)
			l.store.run += "x"
			l.mu.Unlock()
			time.Sleep(3 * time.Second) // also while the new memory is quiet
			l.mu.Lock()
			kept := l.store.hashes[overrideKeys("test")[0]]["text"]
			l.mu.Unlock()
			if kept != "new" || one.has() != "new" || two.has() != "new" {
				t.Errorf("%s: the coordinator has %q, the replicas %q and %q", name, kept, one.has(), two.has())
			}
		}
		// Also one that is written before any replica has brought what it knows.
		l.mu.Lock()
		clear(l.store.hashes)
		l.mu.Unlock()
		if err := one.fleet.Rewrite(t.Context(), func(old string, _ time.Duration) (string, error) { return old + "er", nil }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if two.has() != "newer" {
			t.Errorf("heard %q", two.has())
		}
	})
}

func TestOfTwoWhoChangeAnOverrideInOneMomentNeitherUndoesTheOther(t *testing.T) {
	withTwo(t, func(b bubble) {
		t, one, two := b.t, b.one, b.two
		asked := 0
		err := one.fleet.Rewrite(t.Context(), func(old string, _ time.Duration) (string, error) {
			if asked++; asked == 1 {
				mustRewrite(t, two, "rate")
			}
			return strings.TrimSpace(old + " pause"), nil
		})
		if err != nil || one.has() != "rate pause" || asked != 2 {
			t.Errorf("%v: heard %q after %d attempts", err, one.has(), asked)
		}
		err = one.fleet.Rewrite(t.Context(), func(string, time.Duration) (string, error) {
			mustRewrite(t, two, "again")
			return "never", nil
		})
		if err == nil || err.Error() != "others keep changing it: try again" || two.has() != "again" {
			t.Errorf("%v: heard %q", err, two.has())
		}
	})
}

func TestAnOverrideThatTheCoordinatorDoesNotTakeChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLink()
		l.set(true, nil)
		j := join(t, l, "one", nil)
		time.Sleep(time.Second)
		if err := j.fleet.Rewrite(t.Context(), says("paused")); err == nil || j.has() != "" {
			t.Errorf("%v: heard %q", err, j.has())
		}
		l.set(false, nil)
		refused := errors.New("no such rate")
		if err := j.fleet.Rewrite(t.Context(), func(string, time.Duration) (string, error) { return "", refused }); !errors.Is(err, refused) || j.has() != "" {
			t.Errorf("%v: heard %q", err, j.has())
		}
		leaveAll(j)
	})
}

func TestTimesOfAnOverrideAreByTheCoordinatorsClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLink()
		l.store.step = -time.Hour
		j := join(t, l, "one", nil)
		var end time.Duration
		err := j.fleet.Rewrite(t.Context(), func(_ string, now time.Duration) (string, error) {
			end = now + 30*time.Minute
			return "paused", nil
		}) // before any call of the replica's own
		if off := j.fleet.When(end).Sub(time.Now().Add(30 * time.Minute)); err != nil || off.Abs() > 3*time.Millisecond {
			t.Errorf("%v: the end is %v off", err, off)
		}
		leaveAll(j)
	})
}

func TestAnAnswerTellsTheTextOfAnOverrideOnlyToThoseWhoDoNotKnowIt(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 1)
	w, err := s.rewrite(rewriting{text: "paused", deadline: 1 << 62})
	if err != nil || !w.wrote || w.kept != (override{version: s.server().Microseconds(), text: "paused"}) {
		t.Fatalf("%+v, %v", w, err)
	}
	expect := func(r *request, k kind, text string) {
		t.Helper()
		if a := all[0].eval(r); a.kind != k || a.override.version != w.kept.version || a.override.text != text {
			t.Errorf("%+v", a)
		}
	}
	expect(all[0].request(0), granted, "paused")
	knows := all[0].request(0)
	knows.override.version = w.kept.version
	expect(knows, granted, "")
	expect(knows, late, "") // overtaken
	time := all[0].request(0)
	time.deadline = 0
	expect(time, late, "paused")
	s.lose()
	expect(all[0].request(0), quiet, "paused")
	// A call that is read too late changes nothing, nor does an older one.
	for _, old := range []override{{w.kept.version + 1, "too late"}, {w.kept.version - 1, "older"}} {
		r := all[0].request(0)
		if r.override = old; old.text == "too late" {
			r.deadline = s.server() - 1
		}
		all[0].eval(r)
	}
	expect(all[0].request(0), quiet, "paused")
	if again, err := s.rewrite(rewriting{expected: w.kept.version - 1, text: "blind", deadline: 1 << 62}); err != nil || again.wrote || again.kept != w.kept {
		t.Errorf("%+v, %v", again, err)
	}
	if again, err := s.rewrite(rewriting{expected: w.kept.version, text: "late", deadline: s.server() - 1}); err != nil || again.wrote || again.kept != w.kept {
		t.Errorf("%+v, %v", again, err)
	}
	if again, err := s.rewrite(rewriting{expected: w.kept.version, least: w.kept.version + 9e15, text: "newer", deadline: 1 << 62}); err != nil || again.kept.version != w.kept.version+9e15 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestAnOverrideOnMiniredis(t *testing.T) {
	t.Parallel()
	c, m := onMiniredis(t, plain)
	now := time.Unix(1_700_000_000, 0)
	m.SetTime(now)
	if r, err := c.rewrite(t.Context(), rewriting{expected: -1}); err != nil || r != (rewritten{now: time.Duration(now.UnixNano())}) {
		t.Errorf("%+v, %v", r, err)
	}
	r, err := c.rewrite(t.Context(), rewriting{text: "paused", deadline: 1 << 62})
	if err != nil || !r.wrote || r.kept != (override{now.UnixMicro(), "paused"}) || m.TTL("{poller:test}:override") != overrideKept {
		t.Errorf("%+v, %v, kept for %v", r, err, m.TTL("{poller:test}:override"))
	}
	m.FlushAll()
	deadline := time.Duration(now.UnixNano()) + callLimit
	a, err := c.call(t.Context(), &request{id: "a", call: 1, deadline: deadline, budget: partner, override: r.kept})
	if err != nil || a.override != (override{version: r.kept.version}) || m.TTL("{poller:test}:override") != overrideKept {
		t.Errorf("%+v, %v, kept for %v", a, err, m.TTL("{poller:test}:override"))
	}
	a, err = c.call(t.Context(), &request{id: "b", budget: partner})
	if err != nil || a.kind != late || a.override != r.kept {
		t.Errorf("%+v, %v", a, err)
	}
	m.Close()
	if _, err := c.rewrite(context.Background(), rewriting{}); err == nil || !strings.Contains(err.Error(), "Redis cannot be reached: ") {
		t.Errorf("%v", err)
	}
}

func TestACheckLeavesQuotasAndOverridesAsTheyAre(t *testing.T) {
	t.Parallel()
	c, m := onMiniredis(t, plain)
	b := perMinute(10, 28)
	for i := range int64(9) {
		m.SetTime(time.Unix(1_700_000_000+i, 0))
		q := &request{id: "a", call: i + 1, deadline: 1 << 62, budget: b, want: 3, busy: true, override: override{1, "paused"}}
		if _, err := c.call(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	before := m.Dump()
	if !strings.Contains(before, "60000000") || !strings.Contains(before, "paused") {
		t.Fatalf("nothing is counted:\n%s", before)
	}
	r, err := ParseURL("redis://" + m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if facts := Inspect(t.Context(), r, "test", b); facts[0].Wrong || m.Dump() != before {
		t.Errorf("%+v\n%s", facts, m.Dump())
	}
}
