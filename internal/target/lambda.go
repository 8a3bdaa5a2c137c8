package target

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the event has it as md5OfBody
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// lambda invokes a Lambda function with the event that Lambda's own poller makes of a
// message: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type lambda struct{}

// sqsRecord is a message in the function's input, {"Records": […]}.
type sqsRecord struct {
	MessageID string `json:"messageId"`
	// ReceiptHandle is always empty: a function that deletes by itself would race us.
	ReceiptHandle     string                  `json:"receiptHandle"`
	Body              string                  `json:"body"`
	Attributes        map[string]string       `json:"attributes"`
	MessageAttributes map[string]sqsAttribute `json:"messageAttributes"`
	MD5OfBody         string                  `json:"md5OfBody"`
	EventSource       string                  `json:"eventSource"`
	EventSourceARN    string                  `json:"eventSourceARN"`
	AWSRegion         string                  `json:"awsRegion"`
}

type sqsAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

func (lambda) write(x *exchange, from source, m *message.Message) {
	lambda{}.writeBatch(x, from, []*message.Message{m})
}

func (lambda) writeBatch(x *exchange, from source, all []*message.Message) {
	x.sendEvents(`{"Records":[`, all, func(m *message.Message) any { return recordOf(from, m) }, "]}")
	x.contentType(jsonType)
}

// sendEvents makes the JSON of messages the request's body, each as what event returns, which
// can always be encoded, and all between open and end. They are encoded one by one: the
// encoder makes the whole of what it encodes before it writes any.
func (x *exchange) sendEvents(open string, all []*message.Message, event func(*message.Message) any, end string) {
	room := len(open) + len(end)
	for _, m := range all {
		room += perEvent + inJSON(m)
	}
	var body strings.Builder
	body.Grow(room)
	to := json.NewEncoder(sameLine{&body})
	to.SetEscapeHTML(false)
	body.WriteString(open)
	for i, m := range all {
		if i > 0 {
			body.WriteByte(',')
		}
		_ = to.Encode(event(m))
	}
	body.WriteString(end)
	x.send(body.String())
}

// sameLine leaves out the newline after each value of an encoder.
type sameLine struct{ to *strings.Builder }

// Write implements io.Writer.
func (l sameLine) Write(value []byte) (int, error) {
	_, _ = l.to.Write(bytes.TrimSuffix(value, []byte("\n")))
	return len(value), nil
}

func (lambda) size(m *message.Message) int { return sizeInJSON(m) }

func recordOf(from source, m *message.Message) sqsRecord {
	sum := md5.Sum([]byte(m.Body)) //nolint:gosec // not for security
	return sqsRecord{
		MessageID:         m.ID,
		Body:              m.Body,
		Attributes:        systemAttributes(m),
		MessageAttributes: eventAttributes(m.Attributes),
		MD5OfBody:         hex.EncodeToString(sum[:]),
		EventSource:       "aws:sqs",
		EventSourceARN:    from.arn,
		AWSRegion:         from.region,
	}
}

// systemAttributes returns what SQS says of a message. All values are strings.
func systemAttributes(m *message.Message) map[string]string {
	all := map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.ReceiveCount)}
	when := func(name string, at time.Time) {
		if !at.IsZero() {
			all[name] = strconv.FormatInt(at.UnixMilli(), 10)
		}
	}
	when("SentTimestamp", m.SentAt)
	when("ApproximateFirstReceiveTimestamp", m.FirstReceivedAt)
	for name, value := range map[string]string{
		"SenderId": m.SenderID, "SequenceNumber": m.SequenceNumber, "MessageGroupId": m.GroupID,
		"MessageDeduplicationId": m.DeduplicationID, "AWSTraceHeader": m.TraceHeader,
	} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

func eventAttributes(given map[string]message.Attribute) map[string]sqsAttribute {
	all := make(map[string]sqsAttribute, len(given))
	for name, a := range given {
		one := sqsAttribute{DataType: a.DataType, StringListValues: []string{}, BinaryListValues: [][]byte{}}
		if isText(a) {
			one.StringValue = &a.StringValue
		} else {
			one.BinaryValue = a.BinaryValue
		}
		all[name] = one
	}
	return all
}

// lambdaExceptions are the statuses of Lambda's Invoke that differ from their class:
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
// docs/targets.md has the same table; a test compares them.
var lambdaExceptions = func() map[int]message.Outcome {
	all := maps.Clone(exceptions)
	// The emulator's, while it runs another invocation. Lambda itself answers 400 to events
	// that are not JSON, and ours always are.
	all[400] = message.Throttled
	all[409] = message.Unavailable // a function that is being created or changed
	all[410] = message.Failed
	return all
}()

func (lambda) exceptions() map[int]message.Outcome { return lambdaExceptions }

// read follows Lambda's own rules:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (lambda) read(answer *http.Response, m *message.Message) (*failure, error) {
	if answer.Header.Get("X-Amz-Function-Error") != "" {
		return functionError, drop(answer)
	}
	found, err := readFailures(answer.Body, []string{m.ID})
	if invalid, ok := errors.AsType[*invalidAnswer](err); ok {
		return &failure{reasonInvalidAnswer, "gave an answer that Lambda would count as failed: " + invalid.why}, drop(answer)
	}
	switch {
	case err != nil:
		return nil, err
	case found.crashed:
		return functionError, nil
	case found.failed[0]:
		return itemFailure, nil
	}
	return nil, nil
}

// readBatch follows the same rules.
func (lambda) readBatch(answer *http.Response, all []*message.Message) ([]bool, *failure, error) {
	if answer.Header.Get("X-Amz-Function-Error") != "" {
		return nil, functionError, drop(answer)
	}
	found, err := readFailures(answer.Body, idsOf(all))
	if invalid, ok := errors.AsType[*invalidAnswer](err); ok {
		return nil, &failure{reasonInvalidAnswer, "gave an answer that Lambda would count as failed: " + invalid.why}, drop(answer)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case found.crashed:
		return nil, functionError, nil
	}
	return found.failed, nil, nil
}

var (
	functionError = &failure{reasonFunctionError, "says that the function failed"}
	itemFailure   = &failure{reasonItemFailure, "named the message in batchItemFailures"}
)
