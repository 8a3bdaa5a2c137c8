package localsqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule says what a queue attribute may be.
type rule struct {
	read     func(value string) (string, bool) // the value as it is kept
	initial  string                            // the default, "" for not there
	fifoOnly bool
}

// rules are the attributes that can be set, except RedrivePolicy and FifoQueue,
// which depend on more than their value.
var rules = map[string]rule{
	"VisibilityTimeout":             {read: between(0, 43_200), initial: "30"},
	"DelaySeconds":                  {read: between(0, 900), initial: "0"},
	"MessageRetentionPeriod":        {read: between(60, 1_209_600), initial: "345600"},
	"MaximumMessageSize":            {read: between(1024, maxMessageBytes), initial: strconv.Itoa(maxMessageBytes)},
	"ReceiveMessageWaitTimeSeconds": {read: between(0, 20), initial: "0"},
	"Policy":                        {read: object},
	"RedriveAllowPolicy":            {read: redriveAllowPolicy},
	"KmsMasterKeyId":                {read: anything},
	"KmsDataKeyReusePeriodSeconds":  {read: between(60, 86_400)},
	"SqsManagedSseEnabled":          {read: boolean, initial: "true"},
	"ContentBasedDeduplication":     {read: boolean, initial: "false", fifoOnly: true},
	"DeduplicationScope":            {read: oneOf("queue", "messageGroup"), initial: "queue", fifoOnly: true},
	"FifoThroughputLimit":           {read: oneOf("perQueue", "perMessageGroupId"), initial: "perQueue", fifoOnly: true},
}

// shown are the attributes that can be asked for and not set.
var shown = []string{
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed",
	"ApproximateNumberOfMessagesNotVisible", "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
}

// settings are the attributes that the queue works by, read from their strings.
type settings struct {
	visibility    time.Duration
	delay         time.Duration
	retention     time.Duration
	wait          time.Duration
	maxBytes      int
	contentDedup  bool
	dedupPerGroup bool
	redrive       *redrivePolicy // nil without a dead-letter queue
}

func defaults(isFIFO bool) map[string]string {
	a := make(map[string]string)
	for name, r := range rules {
		if r.initial != "" && (isFIFO || !r.fifoOnly) {
			a[name] = r.initial
		}
	}
	if isFIFO {
		a["FifoQueue"] = "true"
	}
	return a
}

// readSettings reads attributes that changed has accepted.
func readSettings(a map[string]string) settings {
	seconds := func(name string) time.Duration {
		n, _ := strconv.Atoi(a[name])
		return time.Duration(n) * time.Second
	}
	maxBytes, _ := strconv.Atoi(a["MaximumMessageSize"])
	st := settings{
		visibility:    seconds("VisibilityTimeout"),
		delay:         seconds("DelaySeconds"),
		retention:     seconds("MessageRetentionPeriod"),
		wait:          seconds("ReceiveMessageWaitTimeSeconds"),
		maxBytes:      maxBytes,
		contentDedup:  a["ContentBasedDeduplication"] == "true",
		dedupPerGroup: a["DeduplicationScope"] == "messageGroup",
	}
	if text := a["RedrivePolicy"]; text != "" {
		st.redrive, _ = readRedrivePolicy(text)
	}
	return st
}

// changed is current with changes made to it, or SQS's error about the first
// (by name) that is wrong.
func (s *Server) changed(current, changes map[string]string, queue string, isFIFO bool) (map[string]string, error) {
	next := maps.Clone(current)
	for _, name := range sortedKeys(changes) {
		value, err := s.readAttribute(name, changes[name], queue, isFIFO)
		if err != nil {
			return nil, err
		}
		if value == "" {
			delete(next, name)
		} else {
			next[name] = value
		}
	}
	return next, settleEncryption(next, changes)
}

func (s *Server) readAttribute(name, value, queue string, isFIFO bool) (string, error) {
	switch name {
	case "FifoQueue":
		if !isFIFO {
			return "", unknownAttribute(name)
		}
		if v, ok := boolean(value); !ok || v != "true" {
			return "", invalidAttributeValue.because(
				"Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
		return "true", nil
	case "RedrivePolicy":
		if value == "" {
			return "", nil
		}
		return s.acceptRedrivePolicy(value, queue, isFIFO)
	}
	r, ok := rules[name]
	switch {
	case !ok:
		return "", unknownAttribute(name)
	case r.fifoOnly && !isFIFO && name == "ContentBasedDeduplication":
		return "", unknownAttribute(name)
	case r.fifoOnly && !isFIFO:
		return "", invalidAttributeName.because("You can specify the %s only when FifoQueue is set to true.", name)
	}
	kept, ok := r.read(value)
	if !ok {
		return "", invalidAttributeValue.because("Invalid value for the parameter %s.", name)
	}
	return kept, nil
}

func unknownAttribute(name string) error {
	return invalidAttributeName.because("Unknown Attribute %s.", name)
}

// settleEncryption keeps one kind of encryption at a time, and the rule about
// the throughput of FIFO queues.
func settleEncryption(next, changes map[string]string) error {
	key := changes["KmsMasterKeyId"] != ""
	managed := changes["SqsManagedSseEnabled"] != "" && next["SqsManagedSseEnabled"] == "true"
	switch {
	case key && managed:
		return invalidAttributeName.because(
			"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	case key:
		next["SqsManagedSseEnabled"] = "false"
	case managed:
		delete(next, "KmsMasterKeyId")
	}
	if next["KmsMasterKeyId"] == "" {
		delete(next, "KmsDataKeyReusePeriodSeconds")
	} else if next["KmsDataKeyReusePeriodSeconds"] == "" {
		next["KmsDataKeyReusePeriodSeconds"] = "300"
	}
	if next["FifoThroughputLimit"] == "perMessageGroupId" && next["DeduplicationScope"] != "messageGroup" {
		return invalidAttributeValue.because("Invalid value for the parameter FifoThroughputLimit. " +
			"Reason: perMessageGroupId is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return nil
}

func between(low, high int) func(string) (string, bool) {
	return func(value string) (string, bool) {
		n, err := strconv.Atoi(value)
		return strconv.Itoa(n), err == nil && n >= low && n <= high
	}
}

func boolean(value string) (string, bool) {
	value = strings.ToLower(value)
	return value, value == "true" || value == "false"
}

func oneOf(values ...string) func(string) (string, bool) {
	return func(value string) (string, bool) { return value, slices.Contains(values, value) }
}

func anything(value string) (string, bool) { return value, true }

// object takes a JSON object, or nothing, which removes the attribute.
func object(value string) (string, bool) {
	if value == "" {
		return "", true
	}
	var any map[string]json.RawMessage
	return value, json.Unmarshal([]byte(value), &any) == nil && any != nil
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
