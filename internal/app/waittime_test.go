package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

func TestALongPollIsNoLongerThanTheWaitTime(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settings()
		c.Queues[0].WaitTime = config.Duration(4 * time.Second)
		receives := 0
		d := begin(t, "orders", c, func(action string) error {
			if action == "ReceiveMessage" {
				receives++
			}
			return nil
		})
		pass(time.Minute)
		if receives < 14 || receives > 18 {
			t.Errorf("%d receives in an idle minute, want one every 4 s", receives)
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTheShorterBoundOfLongPollsCounts(t *testing.T) {
	for _, test := range [][3]time.Duration{{0, 20, 20}, {2, 20, 2}, {20, 4, 4}, {2, 0, 2}, {0, 0, 0}} {
		if got := shorter(test[0], test[1]); got != test[2] {
			t.Errorf("of %v: %v", test, got)
		}
	}
}
