package target

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestADeliverysContextEndsWithTheEnginesOrAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits{timeout: time.Second}
		engines, stop := context.WithCancel(t.Context())
		for range 3 {
			one := l.begin(engines)
			time.Sleep(time.Second - 1)
			synctest.Wait()
			if one.ctx.Err() != nil {
				t.Fatal("it ended before the time-out")
			}
			l.release(one, true)
		}

		late := l.begin(engines)
		time.Sleep(time.Second)
		synctest.Wait()
		if late.ctx.Err() == nil {
			t.Error("it did not end with the time-out")
		}
		l.release(late, true)

		cut := l.begin(engines)
		if cut.ctx.Err() != nil {
			t.Fatal("one that has ended was used again")
		}
		stop()
		synctest.Wait()
		if cut.ctx.Err() == nil {
			t.Error("it did not end with the engine's")
		}
		l.release(cut, true)
	})
}

func TestAReleasedContextIsOutOfReachOfItsOldDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits{timeout: time.Second}
		first, stop := context.WithCancel(t.Context())
		l.release(l.begin(first), true)
		next := l.begin(t.Context())
		defer l.release(next, true)
		stop()
		time.Sleep(time.Second - 1)
		synctest.Wait()
		if next.ctx.Err() != nil {
			t.Error("the first delivery's context ended the second's")
		}
	})
}
