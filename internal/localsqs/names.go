package localsqs

import "strings"

// systemNames is a set of system attributes.
type systemNames uint16

const (
	wantSenderID systemNames = 1 << iota
	wantSent
	wantCount
	wantFirst
	wantSequence
	wantGroup
	wantDedup
	wantTrace
	wantSource

	wantAll = 1<<iota - 1
)

var systemNamed = map[string]systemNames{
	"All":                              wantAll,
	"SenderId":                         wantSenderID,
	"SentTimestamp":                    wantSent,
	"ApproximateReceiveCount":          wantCount,
	"ApproximateFirstReceiveTimestamp": wantFirst,
	"SequenceNumber":                   wantSequence,
	"MessageGroupId":                   wantGroup,
	"MessageDeduplicationId":           wantDedup,
	"AWSTraceHeader":                   wantTrace,
	"DeadLetterQueueSourceArn":         wantSource,
	"SqsManagedSseEnabled":             0, // SQS lists it, and sends nothing
}

// readSystemNames joins the two lists that a receive may name them in.
func readSystemNames(lists ...[]string) (systemNames, error) {
	var wanted systemNames
	for _, names := range lists {
		for _, name := range names {
			bit, ok := systemNamed[name]
			if !ok {
				return 0, unknownAttribute(name)
			}
			wanted |= bit
		}
	}
	return wanted, nil
}

// appendSystem appends those of the wanted system attributes that the message has.
func (d *delivery) appendSystem(to []byte, wanted systemNames) []byte {
	if wanted == 0 {
		return to
	}
	const none = `,"Attributes":{`
	start := len(to)
	to = append(to, none...)
	text := func(bit systemNames, name, value string) {
		if wanted&bit == 0 || value == "" {
			return
		}
		to = append(append(append(to, '"'), name...), `":`...)
		to = append(appendString(to, value), ',')
	}
	number := func(bit systemNames, name string, value int64) {
		if wanted&bit == 0 {
			return
		}
		to = append(append(append(to, '"'), name...), `":"`...)
		to = append(appendInt(to, value), `",`...)
	}
	text(wantSenderID, "SenderId", senderID)
	number(wantSent, "SentTimestamp", d.sent)
	number(wantCount, "ApproximateReceiveCount", int64(d.count))
	number(wantFirst, "ApproximateFirstReceiveTimestamp", d.first)
	if d.sequence != 0 && wanted&wantSequence != 0 {
		to = append(to, `"SequenceNumber":"`...)
		to = append(appendUint(to, d.sequence), `",`...)
	}
	text(wantGroup, "MessageGroupId", d.groupID)
	text(wantDedup, "MessageDeduplicationId", d.dedupID)
	text(wantTrace, "AWSTraceHeader", d.traceHeader)
	text(wantSource, "DeadLetterQueueSourceArn", d.source)
	if len(to) == start+len(none) {
		return to[:start]
	}
	to[len(to)-1] = '}'
	return to
}

// wants reports whether a list of message attribute names asks for name: by itself,
// by a prefix ("foo.*"), or by "All", "*" or ".*".
func wants(names []string, name string) bool {
	for _, n := range names {
		if n == name || n == "All" || n == "*" {
			return true
		}
		if prefix, ok := strings.CutSuffix(n, ".*"); ok && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
