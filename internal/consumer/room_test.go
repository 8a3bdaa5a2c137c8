package consumer

import (
	"testing"
	"time"
)

func TestTheDelayOfAMessageThatMakesRoomDoublesWithEachReceiveUpToAnHour(t *testing.T) {
	t.Parallel()
	for receives, want := range map[int]time.Duration{
		0: 15 * time.Minute, 1: 15 * time.Minute, 2: 30 * time.Minute, 3: time.Hour, 4: time.Hour, 1000: time.Hour,
	} {
		if got := delayForRoom(receives); got != want {
			t.Errorf("at receive %d: %v, want %v", receives, got, want)
		}
	}
}
