package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

func TestADrainEndsWhenTheQueueIsEmpty(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := prepare(t, "orders", settings(), nil)
		d.send(t, 500)
		begun := time.Now()
		result, err := d.RunUntilEmpty(t.Context(), context.WithoutCancel(t.Context()), Emptying{Idle: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if !result.Empty || result.Delivered != 500 || d.taken.Load() != 500 {
			t.Errorf("%+v, %d taken", result, d.taken.Load())
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestADrainWaitsForWhatIsDelayed(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := prepare(t, "orders", settings(), nil)
		d.sendDelayed(t, 60)
		result, err := d.RunUntilEmpty(t.Context(), context.WithoutCancel(t.Context()), Emptying{Idle: 5 * time.Second})
		if err != nil || !result.Empty || result.Delivered != 1 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

func TestADrainWhoseTimeRunsOutSaysHowManyAreLeft(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.Rate = config.Rate{Limited: true, PerSecond: 1} })
		d := prepare(t, "orders", c, nil)
		d.send(t, 500)
		result, err := d.RunUntilEmpty(t.Context(), context.WithoutCancel(t.Context()),
			Emptying{Idle: 5 * time.Second, Longest: time.Minute})
		if err != nil || result.Empty || result.Left < 400 || result.Abandoned != 0 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

func TestADrainWhoseTimeRunsOutWithTheLastInHandHasEmptiedTheQueue(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.Concurrency = 3 })
		d := prepare(t, "orders", c, nil)
		d.latency = 10 * time.Second
		d.send(t, 3)
		result, err := d.RunUntilEmpty(t.Context(), context.WithoutCancel(t.Context()),
			Emptying{Idle: 5 * time.Second, Longest: 5 * time.Second})
		if err != nil || !result.Empty || result.Left != 0 || result.Delivered != 3 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}
