package consumer

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// SQS may bring the head of a group again while the calls that release those behind it are
// still to be made: to release it once more would cost it a receive for nothing, and its
// group the order.
func TestWhatIsBeforeAllThatIsToBeReleasedOfItsGroupDoesNotGoBack(t *testing.T) {
	t.Parallel()
	at := func(sequence string) *message.Message { return &message.Message{SequenceNumber: sequence} }
	g := &group{releasing: []*life{
		{message: at("101"), visibleAt: time.Unix(1, 0)}, // SQS was told
		{message: at("103")},
		{message: at("104")},
	}}
	for sequence, want := range map[string]bool{
		"102": false, "105": true,
		"": true, // an endpoint that gives none: it may be behind
	} {
		if got := g.releasesBefore(at(sequence)); got != want {
			t.Errorf("%q goes back: %v", sequence, got)
		}
	}
	if (*group)(nil).releasesBefore(at("1")) {
		t.Error("on a standard queue one goes back")
	}
}
