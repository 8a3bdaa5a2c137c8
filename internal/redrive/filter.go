package redrive

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

// Match reports whether a message of that age is meant.
type Match func(m *message.Message, age time.Duration) bool

// ParseFilter reads attr:NAME, attr:NAME=VALUE or body~REGEXP.
func ParseFilter(text string) (Match, error) {
	if expression, ok := strings.CutPrefix(text, "body~"); ok {
		re, err := regexp.Compile(expression)
		if err != nil {
			return nil, fmt.Errorf("invalid regular expression: %w: see https://golang.org/s/re2syntax", err)
		}
		return func(m *message.Message, _ time.Duration) bool { return re.MatchString(m.Body) }, nil
	}
	attribute, ok := strings.CutPrefix(text, "attr:")
	name, value, hasValue := strings.Cut(attribute, "=")
	if !ok || name == "" {
		return nil, errors.New("invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP")
	}
	return func(m *message.Message, _ time.Duration) bool {
		a, there := m.Attributes[name]
		return there && (!hasValue || a.StringValue == value)
	}, nil
}

// OlderThan matches messages that are at least so old.
func OlderThan(least time.Duration) Match {
	return func(_ *message.Message, age time.Duration) bool { return age >= least }
}

// Reason matches messages that the worker sent to the dead-letter queue because the target
// answered with this status, such as 422, or for this reason, such as 4xx.
func Reason(reason string) Match {
	return func(m *message.Message, _ time.Duration) bool {
		r, ok := queue.RejectionOf(m)
		return ok && (r.Reason == reason || r.Status == reason)
	}
}

// All matches what all of them match.
func All(matches ...Match) Match {
	return func(m *message.Message, age time.Duration) bool {
		for _, match := range matches {
			if !match(m, age) {
				return false
			}
		}
		return true
	}
}
