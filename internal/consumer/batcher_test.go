package consumer

import (
	"testing"
	"time"
)

func TestABatchIsDueWhenItsOldestHasWaitedWhoeverFailedLater(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	b := newBatcher(deleteCall, maxDeleteLinger, &trouble{})
	b.add(&life{since: begun})
	b.again([]*life{{since: begun.Add(3 * time.Second)}}) // its call has failed
	if due := b.wake(); !due.Equal(begun.Add(maxDeleteLinger)) {
		t.Errorf("due after %v, want %v", due.Sub(begun), maxDeleteLinger)
	}
}
