package localsqs

import "time"

// maxVisibility is how long one receive may hide a message, including extensions.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
const maxVisibility = 12 * time.Hour

// readHandle reads a receipt handle of this queue.
func (q *queue) readHandle(handle string) (receipt, error) {
	if handle == "" {
		return receipt{}, missing("ReceiptHandle")
	}
	r, ok := q.s.ids.readReceipt(handle)
	if !ok || r.queue != q.tag {
		return r, receiptHandleIsInvalid.because("The input receipt handle \"%s\" is not a valid receipt handle.", handle)
	}
	return r, nil
}

func wrongHandle(handle, reason string) error {
	return invalidParameterValue.because("Value %s for parameter ReceiptHandle is invalid. Reason: %s", handle, reason)
}

// expired is the error of a FIFO queue for a handle whose visibility has ended.
func expired(handle string) error { return wrongHandle(handle, "The receipt handle has expired.") }

// settle deletes the message of a handle. On a standard queue an older handle
// than the newest succeeds and deletes nothing; one whose message is visible
// again still deletes it. A message that is gone is gone: no error.
func (q *queue) settle(handle string) error {
	r, err := q.readHandle(handle)
	if err != nil {
		return err
	}
	m, ok := q.received.get(r.message)
	switch {
	case !ok:
		return nil
	case q.fifo != nil && (m.receive != r.receive || m.where != inFlight):
		return expired(handle)
	case m.receive == r.receive:
		q.drop(m)
	}
	return nil
}

// changeVisibility hides the message of a handle for timeout from now; 0 makes it
// visible immediately.
func (q *queue) changeVisibility(handle string, timeout *int, now instant) error {
	if timeout == nil {
		return missing("VisibilityTimeout")
	}
	seconds := *timeout
	if seconds < 0 || seconds > 43_200 {
		return outOfRange(seconds, "VisibilityTimeout", "Must be between 0 and 43200.")
	}
	r, err := q.readHandle(handle)
	if err != nil {
		return err
	}
	m, ok := q.received.get(r.message)
	switch {
	case ok && q.fifo != nil && (m.receive != r.receive || m.where != inFlight):
		return expired(handle)
	case !ok || m.receive != r.receive:
		return wrongHandle(handle, "Message does not exist or is not available for visibility timeout change.")
	case m.where != inFlight:
		return messageNotInflight.because("The message referred to is not in flight.")
	}
	hidden := time.Duration(seconds) * time.Second
	if (now-m.last).Truncate(time.Second)+hidden > maxVisibility {
		return outOfRange(seconds, "VisibilityTimeout",
			"Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	m.touched = true
	if hidden == 0 {
		q.put(m, visible, 0)
	} else {
		q.put(m, inFlight, now+hidden)
	}
	return nil
}

// settleRequest is a DeleteMessage or ChangeMessageVisibility, or an entry of
// their batches.
type settleRequest struct {
	ID                string `json:"Id"`
	QueueURL          string `json:"QueueUrl"`
	ReceiptHandle     string `json:"ReceiptHandle"`
	VisibilityTimeout *int   `json:"VisibilityTimeout"`
}

// deleteMessage is the action DeleteMessage.
func deleteMessage(c *call) error {
	return c.settleOne(func(q *queue, r *settleRequest, _ instant) error { return q.settle(r.ReceiptHandle) })
}

// changeMessageVisibility is the action ChangeMessageVisibility.
func changeMessageVisibility(c *call) error {
	return c.settleOne(func(q *queue, r *settleRequest, now instant) error {
		return q.changeVisibility(r.ReceiptHandle, r.VisibilityTimeout, now)
	})
}

// deleteMessageBatch is the action DeleteMessageBatch.
func deleteMessageBatch(c *call) error {
	return c.settleBatch("DeleteMessageBatchRequestEntry",
		func(q *queue, r *settleRequest, _ instant) error { return q.settle(r.ReceiptHandle) })
}

// changeMessageVisibilityBatch is the action ChangeMessageVisibilityBatch.
func changeMessageVisibilityBatch(c *call) error {
	return c.settleBatch("ChangeMessageVisibilityBatchRequestEntry",
		func(q *queue, r *settleRequest, now instant) error {
			return q.changeVisibility(r.ReceiptHandle, r.VisibilityTimeout, now)
		})
}

func (c *call) settleOne(do func(*queue, *settleRequest, instant) error) error {
	var r settleRequest
	if err := c.read(&r); err != nil {
		return err
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(r.QueueURL)
	if err != nil {
		return err
	}
	q.advance(now)
	return do(q, &r, now)
}

func (c *call) settleBatch(entry string, do func(*queue, *settleRequest, instant) error) error {
	var r struct {
		QueueURL string          `json:"QueueUrl"`
		Entries  []settleRequest `json:"Entries"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if err := c.exists(r.QueueURL); err != nil {
		return err
	}
	if err := validBatch(entry, len(r.Entries), func(i int) string { return r.Entries[i].ID }); err != nil {
		return err
	}
	errs := make([]error, len(r.Entries))
	if err := c.settleAll(r.QueueURL, r.Entries, errs, do); err != nil {
		return err
	}
	b := batch{out: c.out}
	for i := range r.Entries {
		if errs[i] != nil {
			b.failed(r.Entries[i].ID, errs[i])
		} else {
			b.succeeded(r.Entries[i].ID)
			b.out = append(b.out, '}')
		}
	}
	c.out = b.end()
	return nil
}

func (c *call) settleAll(url string, entries []settleRequest, errs []error, do func(*queue, *settleRequest, instant) error) error {
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(url)
	if err != nil {
		return err
	}
	q.advance(now)
	for i := range entries {
		errs[i] = do(q, &entries[i], now)
	}
	return nil
}
