package simulation

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// stormOf is a total storm of ten seconds, in one of the ways.
func stormOf(way int) func(*scenario) {
	return func(s *scenario) { s.storm = &storm{window: window{10 * time.Second, 20 * time.Second, way}} }
}

func inWide(w wider) func(*scenario) {
	return func(s *scenario) {
		w.alone, s.wide, s.trouble = true, &w, 3*time.Minute
	}
}

// upTo are the numbers below n.
func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// handMade is a history that breaks an invariant, and one like it that does not.
type handMade struct {
	holds    func(*trial)
	messages int
	plan     func(*scenario)
	happens  func(h *history, wrong bool)
}

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func nameOf(invariant func(*trial)) string {
	for _, i := range invariants {
		if reflect.ValueOf(i.holds).Pointer() == reflect.ValueOf(invariant).Pointer() {
			return i.name
		}
	}
	return ""
}

func TestTheJudgeFindsEachInvariantBroken(t *testing.T) {
	t.Parallel()
	tried := make(map[string]bool)
	for n, made := range slices.Concat(brokenLives, brokenStorms, brokenWide) {
		name := nameOf(made.holds)
		tried[name] = true
		t.Run(fmt.Sprintf("%d %s", n, name), func(t *testing.T) {
			t.Parallel()
			for _, wrong := range []bool{true, false} {
				h := newHistory(t, made.messages, made.plan)
				made.happens(h, wrong)
				trial := newTrial(h.world)
				made.holds(trial)
				switch {
				case wrong && len(trial.broken) == 0:
					t.Error("the history breaks it, and the judge sees nothing")
				case wrong && trial.reached == 0:
					t.Error("the history breaks it, and does not count as one that reaches it")
				case !wrong && len(trial.broken) > 0:
					t.Errorf("the history does not break it, and the judge says: %v", trial.broken)
				}
			}
		})
	}
	for _, i := range invariants {
		if !tried[i.name] {
			t.Errorf("no history breaks %q", i.name)
		}
	}
}
