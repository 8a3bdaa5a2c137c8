package consumer

import (
	"testing"
	"time"
	"unsafe"

	"github.com/sqs-poller/poller/internal/message"
)

// set returns the same moment as a machine says it whose wall clock was set by so much. A
// time's first word has the wall clock's seconds above its 30 bits of nanoseconds.
func set(t *testing.T, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	is := moment
	*(*uint64)(unsafe.Pointer(&is)) += uint64(int64(by/time.Second) << 30)
	if is.Sub(moment) != 0 || is.Unix()-moment.Unix() != int64(by/time.Second) {
		t.Fatal("a time is not made as this test thinks")
	}
	return is
}

func TestWhatIsCountedPerSecondGoesOnWhenTheClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		var (
			lag       lagWatch
			settling  speed
			starts    perSecond
			remembers = newLedger()
			left      = backlog{again: make(map[int64]int)}
			now       = time.Now()
		)
		left.answered(now, message.Depth{Visible: 100}, false)
		key := keyOf("m0")
		remembers.enter(key)
		remembers.deleted(key, now.Add(time.Minute))
		lag.note(now, 10*time.Minute)
		left.release(now, now.Add(30*time.Second))
		for range 10 {
			settling.add(now, 10)
			starts.add(now)
			now = now.Add(time.Second)
		}
		now = set(t, now, by)
		if is := lag.recent(now); is != 10*time.Minute {
			t.Errorf("set by %v: the largest lag is %v", by, is)
		}
		for range 20 {
			settling.add(now, 10)
			settling.add(now, 10)
			starts.add(now)
			now = now.Add(time.Second)
		}
		remembers.expire(now)
		if !remembers.has(key) {
			t.Errorf("set by %v: what was delivered is forgotten after 30 s of a minute", by)
		}
		if is, known := settling.perSecond(now, 10); !known || is < 1.9 || is > 2.1 {
			t.Errorf("set by %v: %.1f/s are settled, not 2/s", by, is)
		}
		if is := starts.mean(now); is != 1 {
			t.Errorf("set by %v: %.1f/s are started, not 1/s", by, is)
		}
		if is := left.visibleAgain(now.Add(-2 * time.Second)); is != 0 {
			t.Errorf("set by %v: %d are visible again before their delay is over", by, is)
		}
		if is := left.visibleAgain(now.Add(time.Second)); is != 1 {
			t.Errorf("set by %v: %d are visible again after their delay", by, is)
		}
		now = now.Add(40 * time.Second)
		if is := lag.recent(now); is != 0 {
			t.Errorf("set by %v: a minute later the largest lag is still %v", by, is)
		}
		remembers.expire(now)
		if remembers.has(key) {
			t.Errorf("set by %v: what was delivered is remembered for longer than a minute", by)
		}
	}
}

func TestALoopIsNotStuckBecauseTheClockIsSet(t *testing.T) {
	c := &Consumer{born: time.Now()}
	c.turned.Store(int64(time.Second))
	now := c.born.Add(2 * time.Second)
	if stuck := c.Stuck(set(t, now, 10*time.Minute)); stuck != nil {
		t.Errorf("a loop that turned a second ago: %v", stuck)
	}
	if stuck := c.Stuck(set(t, now.Add(2*time.Minute), -10*time.Minute)); stuck == nil {
		t.Error("a loop that has not turned for two minutes counts as turning")
	}
}
