package receiver

import (
	"crypto/md5" //nolint:gosec // the event has it as md5OfBody
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxEvent is the largest event that Lambda takes in a synchronous invocation:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxEvent = 6 << 20

// invocation matches the path of Lambda's Invoke:
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
var invocation = compiled(`^/2015-03-31/functions/[^/]+/invocations$`)

// queueARN has the region and the name of a queue.
var queueARN = compiled(`^arn:aws[a-z-]*:sqs:([a-z0-9-]+):[0-9]{12}:([A-Za-z0-9_-]+(?:\.fifo)?)$`)

// The members of a record, and of its attributes:
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
var (
	recordMembers = []string{
		"messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody", "eventSource", "eventSourceARN", "awsRegion",
	}
	alwaysAttributes    = []string{"ApproximateReceiveCount", "SentTimestamp", "ApproximateFirstReceiveTimestamp"}
	fifoAttributes      = []string{"SequenceNumber", "MessageGroupId", "MessageDeduplicationId"}
	sometimesAttributes = append([]string{"SenderId", "AWSTraceHeader", "DeadLetterQueueSourceArn"}, fifoAttributes...)
)

// readLambda reads the SQS event of a Lambda function, of one record or many.
func readLambda(r *http.Request, body []byte) (Delivery, *Problem) {
	if !invocation().MatchString(r.URL.Path) {
		return Delivery{}, &Problem{http.StatusNotFound, "the path is not /2015-03-31/functions/NAME/invocations"}
	}
	if len(body) > maxEvent {
		return Delivery{}, &Problem{http.StatusRequestEntityTooLarge, "the event is larger than 6 MB"}
	}
	event, p := objectOf(body, "the event", []string{"Records"}, []string{})
	if p != nil {
		return Delivery{}, p
	}
	records, p := event.list("Records")
	if p != nil {
		return Delivery{}, p
	}
	if len(records) == 0 {
		return Delivery{}, malformed("the event has no records")
	}
	d := Delivery{Named: true}
	seen, source := make(map[string]bool, len(records)), ""
	for _, raw := range records {
		m, from, p := readRecord(raw)
		switch {
		case p != nil:
			return Delivery{}, p
		case seen[m.ID]:
			return Delivery{}, malformed("two records have the same messageId")
		case source != "" && from != source:
			return Delivery{}, malformed("the records are from different queues")
		}
		seen[m.ID], source = true, from
		d.Messages = append(d.Messages, m)
	}
	return d, nil
}

// readRecord reads one record, and returns the ARN of the queue that it is from.
func readRecord(raw json.RawMessage) (m Message, from string, p *Problem) {
	const where = "a record"
	record, p := objectOf(raw, where, recordMembers, []string{})
	if p != nil {
		return m, "", p
	}
	text, p := record.texts("messageId", "receiptHandle", "body", "md5OfBody", "eventSource", "eventSourceARN", "awsRegion")
	if p != nil {
		return m, "", p
	}
	sum := md5.Sum([]byte(text["body"])) //nolint:gosec // not for security
	arn := queueARN().FindStringSubmatch(text["eventSourceARN"])
	switch {
	case text["messageId"] == "":
		return m, "", malformed("%s has an empty messageId", where)
	case text["md5OfBody"] != hex.EncodeToString(sum[:]):
		return m, "", malformed("md5OfBody of %s is not that of its body", where)
	case text["eventSource"] != "aws:sqs":
		return m, "", malformed("eventSource of %s is not aws:sqs", where)
	case arn == nil:
		return m, "", malformed("eventSourceARN of %s is not a queue's ARN", where)
	case text["awsRegion"] != arn[1]:
		return m, "", malformed("awsRegion of %s is not that in its eventSourceARN", where)
	}
	sent, p := readSystem(record.members["attributes"], strings.HasSuffix(arn[2], ".fifo"))
	if p != nil {
		return m, "", p
	}
	return Message{text["messageId"], sent}, text["eventSourceARN"], readAttributes(record.members["messageAttributes"])
}

// readSystem reads what SQS says of a message, and returns when it was sent.
func readSystem(raw json.RawMessage, fifo bool) (sent time.Time, p *Problem) {
	where, required := "attributes of a record", alwaysAttributes
	if fifo {
		required = append(append([]string{}, required...), fifoAttributes...)
	}
	attributes, p := objectOf(raw, where, required, sometimesAttributes)
	if p != nil {
		return sent, p
	}
	values := make(map[string]string)
	for name := range attributes.members { // each is a string, numbers too
		if values[name], p = attributes.text(name); p != nil {
			return sent, p
		}
	}
	if !isCount(values["ApproximateReceiveCount"]) {
		return sent, malformed("ApproximateReceiveCount in %s is not a number from 1 on", where)
	}
	for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
		if _, err := strconv.ParseInt(values[name], 10, 64); err != nil {
			return sent, malformed("%s in %s is not a number of milliseconds", name, where)
		}
	}
	ms, _ := strconv.ParseInt(values["SentTimestamp"], 10, 64)
	return time.UnixMilli(ms), nil
}

// readAttributes reads messageAttributes.
func readAttributes(raw json.RawMessage) *Problem {
	all, p := objectOf(raw, "messageAttributes of a record", nil, nil)
	if p != nil {
		return p
	}
	const where = "a message attribute"
	for name := range all.members {
		a, p := objectOf(all.members[name], where, []string{"dataType", "stringListValues", "binaryListValues"}, []string{"stringValue", "binaryValue"})
		if p != nil {
			return p
		}
		for _, list := range []string{"stringListValues", "binaryListValues"} {
			if _, p := a.list(list); p != nil {
				return p
			}
		}
		text, p := a.texts("dataType", "stringValue", "binaryValue")
		if p != nil {
			return p
		}
		kind, _, _ := strings.Cut(text["dataType"], ".")
		wanted, other := "stringValue", "binaryValue"
		switch kind {
		case "String", "Number":
		case "Binary":
			wanted, other = other, wanted
			if _, err := base64.StdEncoding.DecodeString(text["binaryValue"]); err != nil {
				return malformed("binaryValue of %s is not base64", where)
			}
		default:
			return malformed("dataType of %s is not String, Number or Binary", where)
		}
		if a.members[wanted] == nil || a.members[other] != nil {
			return malformed("%s", fmt.Sprintf("%s of type %s has no %s, or a %s", where, kind, wanted, other))
		}
	}
	return nil
}
