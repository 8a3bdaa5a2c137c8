package consumer

// On a FIFO queue whose order is strict, the next message of a group starts when the
// delete of the one before it is confirmed, so that a crash repeats one message of a group
// at most. It costs each message of a group a round trip to SQS, and deletes in smaller
// batches.

// unblock lets the next of l's group start, if l was what it waited for.
func (c *Consumer) unblock(l *life) {
	if g := l.group; g != nil && g.strict && len(g.waiting) > 0 {
		c.queueUp(g.waiting[0])
	}
}
