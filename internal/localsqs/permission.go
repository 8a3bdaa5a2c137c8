package localsqs

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// policy is a queue's access policy, as far as AddPermission writes it. It is
// kept and shown, never enforced: the server takes any credentials.
type policy struct {
	Version   string      `json:"Version"`
	ID        string      `json:"Id"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    any
	Resource  string
}

// granted are the actions that AddPermission may name.
var granted = []string{
	"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
	"GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",
}

// one is the value itself instead of a list of one, as AWS writes policies.
func one(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

func invalidLabel(label, reason string) error {
	return invalidParameterValue.because("Value %s for parameter Label is invalid. Reason: %s", label, reason)
}

// readPolicy is the queue's policy, a new one if it has none. One that was set
// by hand in another form cannot be edited.
func (q *queue) readPolicy() (*policy, error) {
	p := &policy{Version: "2008-10-17", ID: q.arn() + "/SQSDefaultPolicy"}
	text := q.attributes["Policy"]
	if text == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(text), p); err != nil {
		return nil, unsupportedOperation.because("The queue's policy was not made by AddPermission: change it by SetQueueAttributes.")
	}
	return p, nil
}

func (q *queue) writePolicy(p *policy) error {
	if len(p.Statement) == 0 {
		delete(q.attributes, "Policy")
	} else {
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		q.attributes["Policy"] = string(text)
	}
	q.modified = time.Now()
	return nil
}

// addPermission is the action AddPermission.
func addPermission(c *call) error {
	var r struct {
		QueueURL string   `json:"QueueUrl"`
		Label    string   `json:"Label"`
		Accounts []string `json:"AWSAccountIds"`
		Actions  []string `json:"Actions"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	switch {
	case r.Label == "":
		return missing("Label")
	case len(r.Label) > 80 || !onlyChars(r.Label, "-_"):
		return invalidLabel(r.Label, "It can only include alphanumeric characters, hyphens and underscores. 1 to 80 in length.")
	case len(r.Accounts) == 0:
		return missing("AWSAccountIds")
	case len(r.Actions) == 0:
		return missing("Actions")
	case len(r.Actions) > 7:
		return overLimit.because("%d Actions were found, maximum allowed is 7.", len(r.Actions))
	}
	principals, actions := make([]string, len(r.Accounts)), make([]string, len(r.Actions))
	for i, owner := range r.Accounts {
		principals[i] = "arn:aws:iam::" + owner + ":root"
	}
	for i, action := range r.Actions {
		if !slices.Contains(granted, action) {
			return invalidParameterValue.because("Value SQS:%s for parameter ActionName is invalid. Reason: "+
				"Only the %s actions are allowed.", action, strings.Join(granted, ", "))
		}
		actions[i] = "SQS:" + action
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(r.QueueURL)
	if err != nil {
		return err
	}
	p, err := q.readPolicy()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(p.Statement, func(st statement) bool { return st.Sid == r.Label }) {
		return invalidLabel(r.Label, "Already exists.")
	}
	p.Statement = append(p.Statement, statement{
		Sid: r.Label, Effect: "Allow", Principal: map[string]any{"AWS": one(principals)},
		Action: one(actions), Resource: q.arn(),
	})
	return q.writePolicy(p)
}

// removePermission is the action RemovePermission.
func removePermission(c *call) error {
	var r struct {
		QueueURL string `json:"QueueUrl"`
		Label    string `json:"Label"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if r.Label == "" {
		return missing("Label")
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(r.QueueURL)
	if err != nil {
		return err
	}
	p, err := q.readPolicy()
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(p.Statement, func(st statement) bool { return st.Sid == r.Label })
	if len(kept) == len(p.Statement) {
		return invalidLabel(r.Label, "can't find label.")
	}
	p.Statement = kept
	return q.writePolicy(p)
}
