package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// attributes are the queue's, as they are known to be now.
type attributes struct {
	message.QueueAttributes

	log     *slog.Logger
	notices *notices
	setting time.Duration // of the visibility timeout; 0: the queue's own

	// What was last logged about them, and when; zero: nothing has changed yet.
	said           message.QueueAttributes
	saidVisibility time.Duration
	saidAt         time.Time
}

func newAttributes(log *slog.Logger, notices *notices, setting time.Duration, is message.QueueAttributes) attributes {
	a := attributes{QueueAttributes: is, log: log, notices: notices, setting: setting, said: is}
	a.saidVisibility = a.visibility()
	return a
}

// visibility is what receives and extensions ask for: the setting's, or else the
// queue's own.
func (a *attributes) visibility() time.Duration {
	if a.setting > 0 {
		return a.setting
	}
	return a.VisibilityTimeout
}

// follow adopts the queue's current settings: an operator may change them, and a queue that
// was deleted and created again may have others. Messages in hand keep the visibility they
// were received with until they are extended. Whether it is a FIFO queue cannot change: its
// name says so.
func (a *attributes) follow(now time.Time, is message.QueueAttributes) {
	if is.VisibilityTimeout < time.Second { // it is 0, or SQS does not say
		is.VisibilityTimeout = a.VisibilityTimeout
		if a.setting == 0 {
			a.sayNoVisibility(now)
		}
	}
	if is.Retention == 0 {
		is.Retention = a.Retention
	}
	a.QueueAttributes = is
}

// say logs what has changed since it was last said; at most once a minute, as SQS's
// machines may differ for a while.
func (a *attributes) say(now time.Time) {
	is, was := a.QueueAttributes, a.said
	if is.Depth = was.Depth; is == was || !a.saidAt.IsZero() && now.Sub(a.saidAt) < noticeEvery {
		return
	}
	var changes []any
	if asks := a.visibility(); asks != a.saidVisibility {
		changes = append(changes, slog.Group("visibility_timeout", slog.Duration("old", a.saidVisibility), slog.Duration("new", asks)))
	}
	if is.MaxReceiveCount != was.MaxReceiveCount {
		changes = append(changes, slog.Group("max_receive_count", slog.Int("old", was.MaxReceiveCount), slog.Int("new", is.MaxReceiveCount)))
	}
	if is.Retention != was.Retention {
		changes = append(changes, slog.Group("retention", slog.Duration("old", was.Retention), slog.Duration("new", is.Retention)))
	}
	if is.DeadLetterQueueARN != was.DeadLetterQueueARN {
		changes = append(changes, slog.Group("dead_letter_queue", slog.String("old", was.DeadLetterQueueARN), slog.String("new", is.DeadLetterQueueARN)))
	}
	if len(changes) > 0 {
		a.log.Info("the queue's attributes have changed: the new ones are in force", changes...)
		a.said, a.saidVisibility, a.saidAt = is, a.visibility(), now
	}
}

// sayNoVisibility: with none at all a message would be received again immediately.
func (a *attributes) sayNoVisibility(now time.Time) {
	if _, ok := a.notices.say(now, "visibility", false); ok {
		a.log.Warn("the queue's visibility timeout is 0: keeping the previous one; set it on the queue, or set --visibility-timeout",
			slog.Duration("visibility_timeout", a.visibility()))
	}
}

// watchRetention warns of a message that SQS will soon drop: its retention goes on
// while it is in hand.
func (a *attributes) watchRetention(now time.Time, m *message.Message, age time.Duration) {
	if a.Retention == 0 || age < a.Retention*9/10 {
		return
	}
	if events, ok := a.notices.say(now, "retention", false); ok {
		a.log.Warn("SQS drops messages soon: they are older than 90 % of the queue's retention",
			slog.String("message_id", m.ID), slog.Duration("lag", age),
			slog.Duration("retention", a.Retention), slog.Int("messages", events))
	}
}
