package fleet

import (
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// told is what the target has told some replica, as the coordinator last said.
type told struct {
	hold time.Duration // nobody starts before it, by the coordinator's clock; 0: anybody may
	role role
}

// toldUntil returns until when this replica was told to wait, by the coordinator's clock.
func (m *member) toldUntil(now time.Duration) time.Duration {
	if m.use.Told.Until.IsZero() {
		return 0
	}
	return m.clock.server(now) + max(m.use.Told.Until.Sub(m.base)-now, 0)
}

// heard returns what the target has told the others. One that is on its own
// asks for itself.
func (m *member) heard() ratelimit.ToldOthers {
	h := ratelimit.ToldOthers{Asks: m.told.role == asks, Waits: m.told.role == waits}
	if m.told.hold > 0 {
		h.Until = m.base.Add(m.clock.from(m.told.hold))
	}
	if h.Waits && m.state != Live { // whoever asks, nobody would say so
		h.Waits, h.Asks = false, true
	}
	return h
}
