package consumer

import (
	"log/slog"
	"time"

	"poller/internal/message"
)

// visibility is what receives and extensions ask for: the setting's, or else the
// queue's own.
func (c *Consumer) visibility() time.Duration {
	if c.options.Visibility > 0 {
		return c.options.Visibility
	}
	return c.attributes.VisibilityTimeout
}

// follow takes over what the queue is set to now: an operator may change it, and a
// queue that was deleted and made anew may have other attributes. What is in hand keeps
// the visibility that it was received with until it is extended. Whether it is a FIFO
// queue cannot change: its name says so.
func (c *Consumer) follow(now time.Time, is message.QueueAttributes) {
	was, asked := c.attributes, c.visibility()
	if is.VisibilityTimeout < time.Second { // it is 0, or SQS does not say
		is.VisibilityTimeout = was.VisibilityTimeout
		if c.options.Visibility == 0 {
			c.sayNoVisibility(now, asked)
		}
	}
	if is.Retention == 0 {
		is.Retention = was.Retention
	}
	c.attributes = is
	if c.visibility() != asked {
		c.keepTo(c.visibility())
	}
}

// sayAttributes logs what has changed since it was last said; at most once a minute, as
// SQS's machines may differ for a while.
func (c *Consumer) sayAttributes(now time.Time) {
	said, is := &c.attributesSaid, c.attributes
	if is.Depth = said.attributes.Depth; is == said.attributes || !said.at.IsZero() && now.Sub(said.at) < noticeEvery {
		return
	}
	was, asked, asks := said.attributes, said.visibility, c.visibility()
	var changes []any
	if asks != asked {
		changes = append(changes, slog.Group("visibility_timeout", slog.Duration("old", asked), slog.Duration("new", asks)))
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
		c.log.Info("the queue's attributes have changed: the new ones are in force", changes...)
		*said = attributesSaid{at: now, attributes: is, visibility: asks}
	}
}

// attributesSaid is what the log has last said of the queue's attributes.
type attributesSaid struct {
	at         time.Time // zero: nothing has changed yet
	attributes message.QueueAttributes
	visibility time.Duration // that is asked for
}

// sayNoVisibility: with none at all a message would be received again at once.
func (c *Consumer) sayNoVisibility(now time.Time, asked time.Duration) {
	if _, ok := c.notices.say(now, "visibility", false); ok {
		c.log.Warn("the queue's visibility timeout is 0: the one before is asked for; set another, or --visibility-timeout",
			slog.Duration("visibility_timeout", asked))
	}
}

// keepTo has what depends on the visibility follow it.
func (c *Consumer) keepTo(visibility time.Duration) {
	c.demand.visibility = visibility
	c.deletes.linger = min(maxDeleteLinger, visibility/6)
}
