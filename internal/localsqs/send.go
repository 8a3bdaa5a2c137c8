package localsqs

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// maxMessageBytes is the most that a message, and all messages of a batch
// together, may hold: bodies and attributes.
const maxMessageBytes = 1 << 20

// fit checks the draft against the queue that it goes to. The mutex is held.
func (q *queue) fit(d *draft, oneOfBatch bool) error {
	if d.bytes > q.settings.maxBytes {
		reason := "One or more parameters are invalid."
		if oneOfBatch {
			reason = "One or more parameters cannot be validated."
		}
		return invalidParameterValue.because("%s Reason: Message must be shorter than %d bytes.", reason, q.settings.maxBytes)
	}
	if q.fifo == nil {
		if d.hasDedup {
			return invalidParameterValue.because("Value %s for parameter MessageDeduplicationId is invalid. Reason: "+
				"The request includes a parameter that is not valid for this queue type.", d.details.dedupID)
		}
		return nil
	}
	switch {
	case d.delay > 0:
		return outOfRange(int(d.delay/time.Second), "DelaySeconds",
			"The request include parameter that is not valid for this queue type.")
	case !d.hasGroup && oneOfBatch:
		return invalidParameterValue.because("The request must contain the parameter MessageGroupId.")
	case !d.hasGroup:
		return missing("MessageGroupId")
	case !d.hasDedup && !q.settings.contentDedup:
		return invalidParameterValue.because("The queue should either have ContentBasedDeduplication enabled or " +
			"MessageDeduplicationId provided explicitly")
	}
	return nil
}

// sent is what a send is answered with.
type sent struct {
	id       uuid
	sequence uint64
}

// send puts the draft into the queue, unless it is a duplicate. The mutex is
// held, and the draft fits.
func (q *queue) send(d *draft, now instant) sent {
	delay := d.delay
	if q.fifo != nil {
		if !d.hasDedup {
			sum := sha256.Sum256([]byte(d.body))
			d.details.dedupID = hex.EncodeToString(sum[:])
		}
		key := q.dedupKey(d.details.groupID, d.details.dedupID)
		if before, ok := q.fifo.sent.get(key); ok {
			return sent(before)
		}
		m := q.newDraft(d, now)
		m.sequence = sequenceBase + m.number
		q.fifo.sent.put(key, sentBefore{m.id, m.sequence}, now)
		q.add(m, now, q.settings.delay)
		return sent{m.id, m.sequence}
	}
	if delay < 0 {
		delay = q.settings.delay
	}
	m := q.newDraft(d, now)
	q.add(m, now, delay)
	return sent{id: m.id}
}

func (q *queue) newDraft(d *draft, now instant) *message {
	m := q.s.newMessage(now)
	m.id = q.s.ids.uuid(idOfMessage, m.number)
	m.body, m.bodyMD5, m.details = d.body, d.bodyMD5, d.details
	m.sent = time.Now().UnixMilli()
	return m
}

// sendMessage is the action SendMessage.
func sendMessage(c *call) error {
	var r sendRequest
	if err := c.read(&r); err != nil {
		return err
	}
	r.traceID = c.traceID()
	d, err := r.read()
	if err != nil {
		if gone := c.exists(r.QueueURL); gone != nil {
			return gone // SQS looks for the queue first
		}
		return err
	}
	s := c.s
	now := s.lock()
	q, err := s.queueAt(r.QueueURL)
	if err == nil {
		q.advance(now)
		err = q.fit(d, false)
	}
	if err != nil {
		s.unlock(now)
		return err
	}
	result := q.send(d, now)
	s.unlock(now)
	c.out = append(c.out, '{')
	c.out = appendSent(c.out, d, result)
	c.out = append(c.out, '}')
	return nil
}

// sendMessageBatch is the action SendMessageBatch.
func sendMessageBatch(c *call) error {
	var r struct {
		QueueURL string        `json:"QueueUrl"`
		Entries  []sendRequest `json:"Entries"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if err := c.exists(r.QueueURL); err != nil {
		return err
	}
	if err := validBatch("SendMessageBatchRequestEntry", len(r.Entries), func(i int) string { return r.Entries[i].ID }); err != nil {
		return err
	}
	drafts, failed, bytes := make([]*draft, len(r.Entries)), make([]error, len(r.Entries)), 0
	for i := range r.Entries {
		r.Entries[i].traceID = c.traceID()
		drafts[i], failed[i] = r.Entries[i].read()
		if failed[i] == nil {
			bytes += drafts[i].bytes
		} else {
			bytes += len(r.Entries[i].MessageBody)
		}
	}
	if bytes > maxMessageBytes {
		return batchRequestTooLong.because("Batch requests cannot be longer than %d bytes. You have sent %d bytes.",
			maxMessageBytes, bytes)
	}
	results := make([]sent, len(drafts))
	if err := c.sendAll(r.QueueURL, drafts, failed, results); err != nil {
		return err
	}
	b := batch{out: c.out}
	for i := range drafts {
		if failed[i] != nil {
			b.failed(r.Entries[i].ID, failed[i])
			continue
		}
		b.succeeded(r.Entries[i].ID)
		b.out = append(b.out, ',')
		b.out = appendSent(b.out, drafts[i], results[i])
		b.out = append(b.out, '}')
	}
	c.out = b.end()
	return nil
}

// sendAll sends the drafts of a batch under one lock, so that a long poll gets
// them together. What is missing for FIFO fails the batch, as in SQS.
func (c *call) sendAll(url string, drafts []*draft, failed []error, results []sent) error {
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(url)
	if err != nil {
		return err
	}
	q.advance(now)
	for i, d := range drafts {
		if failed[i] == nil {
			failed[i] = q.fit(d, true)
		}
		if failed[i] != nil && q.fifo != nil && d != nil && (!d.hasGroup || !d.hasDedup && !q.settings.contentDedup) {
			return failed[i]
		}
	}
	for i, d := range drafts {
		if failed[i] == nil {
			results[i] = q.send(d, now)
		}
	}
	return nil
}

func appendSent(to []byte, d *draft, r sent) []byte {
	to = append(to, `"MessageId":"`...)
	to = r.id.append(to)
	to = append(to, `","MD5OfMessageBody":"`...)
	to = hex.AppendEncode(to, d.bodyMD5[:])
	to = append(to, '"')
	if len(d.details.attributes) > 0 {
		to = append(to, `,"MD5OfMessageAttributes":"`...)
		to = hex.AppendEncode(to, d.details.attributesMD5[:])
		to = append(to, '"')
	}
	if d.hasSystem {
		to = append(to, `,"MD5OfMessageSystemAttributes":"`...)
		to = hex.AppendEncode(to, d.systemMD5[:])
		to = append(to, '"')
	}
	if r.sequence != 0 {
		to = append(to, `,"SequenceNumber":"`...)
		to = appendUint(to, r.sequence)
		to = append(to, '"')
	}
	return to
}
