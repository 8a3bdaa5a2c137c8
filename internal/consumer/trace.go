package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// What becomes of a message is noted in the span of its last delivery, if that has one.

// note notes one event of l.
func (l *life) note(at time.Time, event message.Event) {
	if l.last.Span != nil {
		l.last.Span.Note(at, event)
	}
}

// began notes what was known when a delivery of l began, now that it has a span.
func (l *life) began(begun time.Time, span message.Span) {
	if l.last.Span = span; span == nil {
		return
	}
	if l.try.Probes() {
		l.note(begun, message.Event{Name: "probe"})
	}
	l.struckBy(begun)
}

// struckBy notes the strikes that l has and that no span has yet.
func (l *life) struckBy(at time.Time) {
	strikes := l.try.Strikes()
	if strikes <= int(l.struck) || l.last.Span == nil {
		return
	}
	l.struck = uint8(min(strikes, 255)) //nolint:gosec // bounded
	l.note(at, message.Event{Name: "struck", Strikes: strikes})
}

// noteRelease notes that l is released: given up, rejected or untried.
func (l *life) noteRelease(at time.Time) {
	span := l.last.Span
	if span == nil {
		return
	}
	events := make([]message.Event, 0, 2)
	if l.givenUp {
		events = append(events, message.Event{Name: "given_up", Tries: l.try.Tries(), Strikes: l.try.Strikes()})
	}
	events = append(events, message.Event{Name: "released", SettledAs: l.outcome.String(), DelaySeconds: l.delay})
	span.Note(at, events...)
}
