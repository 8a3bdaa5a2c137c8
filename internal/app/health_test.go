package app

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/message"
)

func TestReadyIsWhatCanReceiveAndSettle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		snapshot consumer.Snapshot
		problems int
	}{
		"all is well":                   {consumer.Snapshot{}, 0},
		"SQS does not answer":           {consumer.Snapshot{Problem: &consumer.Problem{Fault: message.Network}}, 0},
		"SQS refuses":                   {consumer.Snapshot{Problem: &consumer.Problem{Fault: message.Refused}}, 1},
		"nothing can be deleted":        {consumer.Snapshot{Problem: &consumer.Problem{Fault: message.Network, Stops: true}}, 1},
		"it stops":                      {consumer.Snapshot{Draining: true, DrainingSince: time.Now()}, 1},
		"it stops, and SQS refuses too": {consumer.Snapshot{Draining: true, Problem: &consumer.Problem{Fault: message.Refused}}, 2},
	} {
		if got := notReady("orders", test.snapshot); len(got) != test.problems {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
