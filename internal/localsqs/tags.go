package localsqs

import "maps"

const maxTags = 50

func validTags(queue string, tags map[string]string) error {
	if len(tags) > maxTags {
		return invalidParameterValue.because("Too many tags added for queue %s: it may have at most %d.", queue, maxTags)
	}
	for _, key := range sortedKeys(tags) {
		if key == "" || len([]rune(key)) > 128 || len([]rune(tags[key])) > 256 {
			return invalidParameterValue.because("A tag's key has 1 to 128 characters, its value at most 256.")
		}
	}
	return nil
}

// tagQueue is the action TagQueue.
func tagQueue(c *call) error {
	var r struct {
		QueueURL string            `json:"QueueUrl"`
		Tags     map[string]string `json:"Tags"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if len(r.Tags) == 0 {
		return missing("Tags")
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(r.QueueURL)
	if err != nil {
		return err
	}
	next := make(map[string]string, len(q.tags)+len(r.Tags))
	maps.Copy(next, q.tags)
	maps.Copy(next, r.Tags)
	if err := validTags(q.name, next); err != nil {
		return err
	}
	q.tags = next
	return nil
}

// untagQueue is the action UntagQueue; keys that are not there are no error.
func untagQueue(c *call) error {
	var r struct {
		QueueURL string   `json:"QueueUrl"`
		TagKeys  []string `json:"TagKeys"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if len(r.TagKeys) == 0 {
		return missing("TagKeys")
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(r.QueueURL)
	if err != nil {
		return err
	}
	for _, key := range r.TagKeys {
		delete(q.tags, key)
	}
	return nil
}

// listQueueTags is the action ListQueueTags.
func listQueueTags(c *call) error {
	return c.withQueue(func(q *queue, _ instant) error {
		return c.reply(struct {
			Tags map[string]string `json:"Tags,omitempty"`
		}{q.tags})
	})
}
