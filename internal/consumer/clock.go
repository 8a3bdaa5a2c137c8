package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// clockChange is how far SQS's clock must move against ours to be logged: its answers are in
// whole seconds, so smaller offsets come and go.
const clockChange = 5 * time.Second

// clock is SQS's, as its answers tell it.
type clock struct {
	source source
	log    *slog.Logger
	said   time.Duration // the offset last logged
	at     time.Time     // when that was
}

// age is how long ago SQS took the message, by SQS's clock; never below 0.
func (k *clock) age(now time.Time, m *message.Message) time.Duration {
	if m.SentAt.IsZero() {
		return 0
	}
	return max(now.Add(k.source.ClockOffset()).Sub(m.SentAt), 0)
}

// say logs that this machine's clock differs from SQS's, or agrees with it again: at the
// change, and at most once a minute. The lag is computed from SQS's clock; other programs,
// and what reads our logs, know nothing of it.
func (k *clock) say(now time.Time) {
	offset := k.source.ClockOffset()
	switch {
	case !k.at.IsZero() && now.Sub(k.at) < noticeEvery:
		return
	case offset == 0 && k.said != 0:
		k.log.Info("this machine's clock agrees with SQS's again")
	case (offset - k.said).Abs() >= clockChange:
		k.log.Warn("this machine's clock differs from SQS's: set it; the lag is computed from SQS's",
			slog.Duration("clock_offset", offset.Round(time.Second)))
	default:
		return
	}
	k.said, k.at = offset, now
}
