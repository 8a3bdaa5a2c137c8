package localsqs

import (
	"slices"
	"strconv"
	"time"
)

// getQueueAttributes is the action GetQueueAttributes.
func getQueueAttributes(c *call) error {
	var r struct {
		QueueURL       string   `json:"QueueUrl"`
		AttributeNames []string `json:"AttributeNames"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	now := c.s.lock()
	q, err := c.s.queueAt(r.QueueURL)
	var attributes map[string]string
	if err == nil {
		q.advance(now)
		attributes, err = q.attributesNamed(r.AttributeNames)
	}
	c.s.unlock(now)
	if err != nil {
		return err
	}
	return c.reply(struct {
		Attributes map[string]string `json:"Attributes,omitempty"`
	}{attributes})
}

// attributesNamed are those of the named attributes that the queue has.
func (q *queue) attributesNamed(names []string) (map[string]string, error) {
	out := make(map[string]string)
	for _, name := range names {
		if name == "All" {
			for known := range q.attributes {
				out[known] = q.attributes[known]
			}
			for _, known := range shown {
				out[known] = q.show(known)
			}
			continue
		}
		if slices.Contains(shown, name) {
			out[name] = q.show(name)
			continue
		}
		if _, ok := rules[name]; !ok && name != "FifoQueue" && name != "RedrivePolicy" {
			return nil, unknownAttribute(name)
		}
		if value, ok := q.attributes[name]; ok {
			out[name] = value
		}
	}
	return out, nil
}

// show is an attribute that the queue works out.
func (q *queue) show(name string) string {
	switch name {
	case "ApproximateNumberOfMessages":
		return strconv.Itoa(q.visible.n)
	case "ApproximateNumberOfMessagesDelayed":
		return strconv.Itoa(q.delayed.n)
	case "ApproximateNumberOfMessagesNotVisible":
		return strconv.Itoa(q.inFlight.n)
	case "CreatedTimestamp":
		return unixSeconds(q.created)
	case "LastModifiedTimestamp":
		return unixSeconds(q.modified)
	default:
		return q.arn()
	}
}

// setQueueAttributes is the action SetQueueAttributes.
func setQueueAttributes(c *call) error {
	var r struct {
		QueueURL   string            `json:"QueueUrl"`
		Attributes map[string]string `json:"Attributes"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if r.Attributes == nil {
		return missing("Attributes")
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(r.QueueURL)
	if err != nil {
		return err
	}
	kept, err := c.s.changed(q.attributes, r.Attributes, q.name, q.fifo != nil)
	if err != nil {
		return err
	}
	q.keep(kept, now)
	return nil
}

// keep makes attributes the queue's. A FIFO queue's delay holds for the messages
// that are in it already, a standard queue's only for new ones.
func (q *queue) keep(attributes map[string]string, now instant) {
	q.advance(now)
	before := q.settings.delay
	q.attributes, q.settings = attributes, readSettings(attributes)
	q.modified = time.Now()
	if q.fifo != nil && q.settings.delay != before {
		for _, m := range q.delayed.all() {
			q.put(m, delayed, m.born+q.settings.delay)
		}
	}
	q.advance(now)
}
