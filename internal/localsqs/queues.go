package localsqs

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"
)

// createQueue makes a queue, or finds the one with the same attributes.
func (s *Server) createQueue(name string, attributes, tags map[string]string) error {
	isFIFO, err := askedForFIFO(attributes)
	if err != nil {
		return err
	}
	if err := validName(name, isFIFO); err != nil {
		return err
	}
	if err := validTags(name, tags); err != nil {
		return err
	}
	now := s.lock()
	defer s.unlock(now)
	if s.closed {
		return serviceUnavailable.because("The server is closed.")
	}
	if q, ok := s.queues[name]; ok {
		return s.sameQueue(q, attributes)
	}
	kept, err := s.changed(defaults(isFIFO), attributes, name, isFIFO)
	if err != nil {
		return err
	}
	q := s.newQueue(name, isFIFO)
	q.attributes, q.settings = kept, readSettings(kept)
	q.tags = make(map[string]string, len(tags))
	maps.Copy(q.tags, tags)
	s.queues[name] = q
	return nil
}

func askedForFIFO(attributes map[string]string) (bool, error) {
	value, given := attributes["FifoQueue"]
	if !given {
		return false, nil
	}
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "false":
		return false, unknownAttribute("FifoQueue") // what SQS says to it
	default:
		return false, invalidAttributeValue.because("Invalid value for the parameter FifoQueue.")
	}
}

// sameQueue is nil if the attributes that are asked for are those of q.
func (s *Server) sameQueue(q *queue, attributes map[string]string) error {
	asked, err := s.changed(q.attributes, attributes, q.name, q.fifo != nil)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(attributes) {
		if !sameValue(asked[name], q.attributes[name]) {
			return queueNameExists.because(
				"A queue already exists with the same name and a different value for attribute %s", name)
		}
	}
	return nil
}

// sameValue compares attributes; policies are the same whatever their spaces.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

// createQueue is the action CreateQueue.
func createQueue(c *call) error {
	var r struct {
		QueueName  *string           `json:"QueueName"`
		Attributes map[string]string `json:"Attributes"`
		Tags       map[string]string `json:"tags"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if r.QueueName == nil {
		return missing("QueueName")
	}
	if err := c.s.createQueue(*r.QueueName, r.Attributes, r.Tags); err != nil {
		return err
	}
	return c.reply(map[string]string{"QueueUrl": queueURL(c.base(), *r.QueueName)})
}

// getQueueURL is the action GetQueueUrl.
func getQueueURL(c *call) error {
	var r struct {
		QueueName string `json:"QueueName"`
		Owner     string `json:"QueueOwnerAWSAccountId"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if r.QueueName == "" {
		return missing("QueueName")
	}
	now := c.s.lock()
	_, ok := c.s.queues[r.QueueName]
	c.s.unlock(now)
	if !ok || r.Owner != "" && r.Owner != account {
		return errNoQueue
	}
	return c.reply(map[string]string{"QueueUrl": queueURL(c.base(), r.QueueName)})
}

// page is the part of a request that asks for a list.
type page struct {
	MaxResults *int   `json:"MaxResults"`
	NextToken  string `json:"NextToken"`
}

// maxPage is the longest list, and the one that comes without MaxResults.
const maxPage = 1000

// cut is the page of names (in order) that p asks for, and the token of the next.
func (p page) cut(names []string) ([]string, string, error) {
	limit := maxPage
	if p.MaxResults != nil {
		if limit = *p.MaxResults; limit < 1 || limit > maxPage {
			return nil, "", outOfRange(limit, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
	}
	if p.NextToken != "" {
		last, err := base64.StdEncoding.DecodeString(p.NextToken)
		if err != nil {
			return nil, "", invalidParameterValue.because("Invalid or expired next token.")
		}
		for len(names) > 0 && names[0] <= string(last) {
			names = names[1:]
		}
	}
	if len(names) <= limit {
		return names, "", nil
	}
	if p.MaxResults == nil {
		return names[:limit], "", nil
	}
	return names[:limit], base64.StdEncoding.EncodeToString([]byte(names[limit-1])), nil
}

func (c *call) urls(names []string) []string {
	urls := make([]string, len(names))
	for i, name := range names {
		urls[i] = queueURL(c.base(), name)
	}
	return urls
}

// listQueues is the action ListQueues.
func listQueues(c *call) error {
	var r struct {
		page
		Prefix string `json:"QueueNamePrefix"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	now := c.s.lock()
	all := sortedKeys(c.s.queues)
	c.s.unlock(now)
	names := make([]string, 0, len(all))
	for _, name := range all {
		if strings.HasPrefix(name, r.Prefix) {
			names = append(names, name)
		}
	}
	names, token, err := r.cut(names)
	if err != nil {
		return err
	}
	return c.reply(struct {
		QueueURLs []string `json:"QueueUrls,omitempty"`
		NextToken string   `json:"NextToken,omitempty"`
	}{c.urls(names), token})
}

// listDeadLetterSourceQueues is the action ListDeadLetterSourceQueues. Its list
// begins with a small letter, in SQS's model as here.
func listDeadLetterSourceQueues(c *call) error {
	var r struct {
		page
		QueueURL string `json:"QueueUrl"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	now := c.s.lock()
	q, err := c.s.queueAt(r.QueueURL)
	var names []string
	if err == nil {
		for _, source := range q.sources() {
			names = append(names, source.name)
		}
	}
	c.s.unlock(now)
	if err != nil {
		return err
	}
	names, token, err := r.cut(names)
	if err != nil {
		return err
	}
	return c.reply(struct {
		QueueURLs []string `json:"queueUrls"`
		NextToken string   `json:"NextToken,omitempty"`
	}{c.urls(names), token})
}

// deleteQueue is the action DeleteQueue. The name is free immediately.
func deleteQueue(c *call) error {
	return c.withQueue(func(q *queue, _ instant) error {
		delete(c.s.queues, q.name)
		q.close(errNoQueue)
		return nil
	})
}

// purgeQueue is the action PurgeQueue: everything is gone immediately.
func purgeQueue(c *call) error {
	return c.withQueue(func(q *queue, now instant) error {
		if q.purgedAt >= 0 && now-q.purgedAt < time.Minute {
			return purgeQueueInProgress.because("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
		}
		q.purgedAt = now
		q.clear()
		return nil
	})
}

// withQueue runs do on the queue of a request that names nothing else.
func (c *call) withQueue(do func(*queue, instant) error) error {
	var r struct {
		QueueURL string `json:"QueueUrl"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(r.QueueURL)
	if err != nil {
		return err
	}
	return do(q, now)
}

func unixSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
