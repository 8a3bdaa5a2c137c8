package demo_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

func TestASinkIsOverloadedForATimeAfterEachOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{
			Capacity: 8, Latency: demo.Latency{Min: 10 * time.Millisecond, Max: 10 * time.Millisecond},
			Outages:  demo.Schedule{Outages: []demo.Outage{outage(t, "10s-20s"), outage(t, "40s-58s")}, Every: time.Minute},
			Recovery: demo.Recovery{For: 5 * time.Second, Capacity: 3},
		})
		for _, step := range []struct {
			at        time.Duration
			condition demo.Condition
			left      time.Duration
			taken     int64 // of ten concurrent ones
		}{
			{0, demo.Well, 0, 8},
			{12 * time.Second, demo.Away, 8 * time.Second, 0},
			{20 * time.Second, demo.Recovering, 5 * time.Second, 3},
			{24 * time.Second, demo.Recovering, time.Second, 3},
			{25 * time.Second, demo.Well, 0, 8},
			{57 * time.Second, demo.Away, time.Second, 0},
			{59 * time.Second, demo.Recovering, 4 * time.Second, 3},
			{62 * time.Second, demo.Recovering, time.Second, 3}, // over the schedule's begin
			{63 * time.Second, demo.Well, 0, 8},
			{80 * time.Second, demo.Recovering, 5 * time.Second, 3},
		} {
			time.Sleep(step.at - time.Since(sink.Stats().Since))
			if c, left := sink.Condition(); c != step.condition || left != step.left {
				t.Errorf("at %s: condition %d for %s", step.at, c, left)
			}
			before := sink.Stats()
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() { post(t.Context(), sink, "") })
			}
			group.Wait()
			after := sink.Stats()
			if got := after.Accepted - before.Accepted; got != step.taken {
				t.Errorf("at %s: %d taken, want %d", step.at, got, step.taken)
			}
			if overrun := after.Overrun() - before.Overrun(); overrun != 0 && step.condition != demo.Well {
				t.Errorf("at %s: %d refused as if it were well", step.at, overrun)
			}
		}
		if s := sink.Stats(); s.AtOnceMax != 8 || s.SeenAtOnceMax < 8 || s.Refused["recovery"] != 35 {
			t.Errorf("counts %+v", s)
		}
	})
}

func TestASinkThatIsOutForEverNeverRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{
			Outages:  demo.Schedule{Outages: []demo.Outage{outage(t, "10s-")}},
			Recovery: demo.Recovery{For: time.Second, Capacity: 1},
		})
		time.Sleep(time.Hour)
		if c, left := sink.Condition(); c != demo.Away || left != 0 {
			t.Errorf("condition %d for %s", c, left)
		}
	})
}
