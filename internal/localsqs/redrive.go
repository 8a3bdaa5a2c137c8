package localsqs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// redrivePolicy says when a message goes to the dead-letter queue.
type redrivePolicy struct {
	target      string // the dead-letter queue's name
	maxReceives int
}

// readRedrivePolicy reads the attribute's JSON and gives it in SQS's form too:
// the count is a number, also when it came as a string.
func readRedrivePolicy(text string) (*redrivePolicy, error) {
	var raw struct {
		Target *string         `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	invalid := func(reason string) error {
		return invalidParameterValue.because("Value %s for parameter RedrivePolicy is invalid. Reason: %s", text, reason)
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, invalid("Redrive policy is not a valid JSON map.")
	}
	if raw.Target == nil {
		return nil, invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if raw.Max == nil {
		return nil, invalid("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	name, ok := nameInARN(*raw.Target)
	if !ok {
		return nil, invalid("Invalid value for deadLetterTargetArn.")
	}
	count := strings.Trim(string(raw.Max), `"`)
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > 1000 {
		return nil, invalid("Invalid value for maxReceiveCount: " + count + ", valid values are from 1 to 1000 both inclusive.")
	}
	return &redrivePolicy{target: name, maxReceives: n}, nil
}

// acceptRedrivePolicy checks a policy for the queue of that name and gives it as
// it is kept.
func (s *Server) acceptRedrivePolicy(text, queue string, isFIFO bool) (string, error) {
	policy, err := readRedrivePolicy(text)
	if err != nil {
		return "", err
	}
	invalid := func(reason string) error {
		return invalidParameterValue.because("Value %s for parameter RedrivePolicy is invalid. Reason: %s", text, reason)
	}
	target, ok := s.queues[policy.target]
	switch {
	case !ok:
		return "", invalid("Dead letter target does not exist.")
	case (target.fifo != nil) != isFIFO:
		return "", invalid("Dead letter queue must be same type of queue as the source.")
	case !target.admits(queue):
		return "", invalid("Source queue is not allowed to use the dead-letter queue by its RedriveAllowPolicy.")
	}
	arn, _ := json.Marshal(arnGiven(text))
	return fmt.Sprintf(`{"deadLetterTargetArn":%s,"maxReceiveCount":%d}`, arn, policy.maxReceives), nil
}

// arnGiven is the target's ARN as it was written: its region may be another.
func arnGiven(text string) string {
	var raw struct {
		Target string `json:"deadLetterTargetArn"`
	}
	_ = json.Unmarshal([]byte(text), &raw)
	return raw.Target
}

// allowPolicy is the attribute RedriveAllowPolicy.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func redriveAllowPolicy(value string) (string, bool) {
	if value == "" {
		return "", true
	}
	var p allowPolicy
	if json.Unmarshal([]byte(value), &p) != nil {
		return "", false
	}
	switch p.Permission {
	case "allowAll", "denyAll":
		return value, len(p.Sources) == 0
	case "byQueue":
		return value, len(p.Sources) >= 1 && len(p.Sources) <= 10
	default:
		return "", false
	}
}

// admits reports whether the queue of that name may have q as its dead-letter queue.
func (q *queue) admits(source string) bool {
	text := q.attributes["RedriveAllowPolicy"]
	if text == "" {
		return true
	}
	var p allowPolicy
	_ = json.Unmarshal([]byte(text), &p) // was read when it was set
	switch p.Permission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.ContainsFunc(p.Sources, func(arn string) bool {
			name, ok := nameInARN(arn)
			return ok && name == source
		})
	default:
		return true
	}
}

// redrive moves m to the dead-letter queue if one more receive would be one too
// many. Without the dead-letter queue the message stays.
func (q *queue) redrive(m *message, now instant) bool {
	policy := q.settings.redrive
	if policy == nil || m.here < policy.maxReceives {
		return false
	}
	target, ok := q.s.queues[policy.target]
	if !ok {
		return false
	}
	q.drop(m)
	dead := q.s.copyOf(m, now)
	dead.source = q.arn()
	dead.receives, dead.first = m.receives, m.first
	if q.fifo == nil {
		dead.born = m.born // retention continues; on FIFO queues it starts again, as in SQS
	}
	target.add(dead, now, 0)
	return true
}

// sources are the queues that have q as their dead-letter queue, by name.
func (q *queue) sources() []*queue {
	var out []*queue
	for _, name := range sortedKeys(q.s.queues) {
		source := q.s.queues[name]
		if r := source.settings.redrive; r != nil && r.target == q.name {
			out = append(out, source)
		}
	}
	return out
}
