package message_test

import (
	"testing"

	"github.com/sqs-poller/poller/internal/message"
)

func TestAGroupsMessagesAreOrderedByTheirSequenceNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"18849496460467696128", "18849496460467696129", true},
		{"18849496460467696129", "18849496460467696128", false},
		{"18849496460467696128", "18849496460467696128", false},
		{"9", "10", true},
		{"10", "9", false},
		{"", "1", false}, // false if either is unknown
		{"1", "", false},
		{"", "", false},
	} {
		a, b := &message.Message{SequenceNumber: test.a}, &message.Message{SequenceNumber: test.b}
		if got := a.Before(b); got != test.want {
			t.Errorf("%q before %q: %v", test.a, test.b, got)
		}
	}
}
