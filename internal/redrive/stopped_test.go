package redrive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/queue"
)

// TestAProcessThatIsKilledAtAnyMomentLosesNothing kills it at its first 20 requests and at
// 20 random ones, before SQS carries the request out, and after.
func TestAProcessThatIsKilledAtAnyMomentLosesNothing(t *testing.T) {
	environment(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, suffix := range []string{"", ".fifo"} {
		for _, carried := range []bool{false, true} {
			for moment := range 40 {
				dies := moment + 1
				if moment >= 20 {
					dies = 1 + random.IntN(60)
				}
				t.Run(fmt.Sprintf("%s carried %t, request %d", suffix, carried, dies), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						killed(t, suffix, dies, carried)
					})
				})
			}
		}
	}
}

func killed(t *testing.T, suffix string, dies int, carried bool) {
	t.Helper()
	r := newRig(t, suffix)
	r.fill(t, 30)
	kill, end := context.WithCancel(t.Context())
	defer end()
	r.dies, r.carried, r.kill = r.requests+dies, carried, end
	first, _ := Run(kill, kill, r.options())
	r.dies = 0
	<-time.After(hide + time.Second)
	second, err := Run(t.Context(), t.Context(), r.options())
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := r.in(t, r.from); len(left) != 0 {
		t.Errorf("left after the second run: %v", left)
	}
	moved, _ := r.in(t, r.to)
	copies := len(moved) - 30
	slices.Sort(moved)
	if got := len(slices.Compact(moved)); got != 30 {
		t.Errorf("%d of 30 are there; the runs say %+v, %+v", got, first, second)
	}
	if copies > queue.MaxBatch || suffix != "" && copies > 0 {
		t.Errorf("%d copies", copies)
	}
}

func TestAStopFinishesTheBatchAndMakesTheRestVisible(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 50)
		stop, end := context.WithCancel(t.Context())
		o := r.options()
		o.Rate = 2
		time.AfterFunc(5*time.Second, end)
		got, err := Run(stop, t.Context(), o)
		if err != nil || got.Moved != 10 && got.Moved != 11 || got.Hidden != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		now, err := r.from.Look(t.Context())
		if err != nil || now.Depth.Visible != 50-got.Moved || now.Depth.InFlight != 0 {
			t.Errorf("%+v, %v", now.Depth, err)
		}
	})
}
