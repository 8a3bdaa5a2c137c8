package queue

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The attributes that deliveries need. SQS returns no others.
const wanted = `"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["SentTimestamp","ApproximateReceiveCount",` +
	`"MessageGroupId","MessageDeduplicationId","SequenceNumber","AWSTraceHeader","SenderId","ApproximateFirstReceiveTimestamp"],`

// receiveBody returns the body of a ReceiveMessage request. Numbers that are 0 are left
// out, as is an empty attempt.
func receiveBody(url, attempt string, maximum, wait, visibility int) []byte {
	body := make([]byte, 0, 384+len(url)+len(attempt))
	number := func(name string, value int) {
		if value != 0 {
			body = strconv.AppendInt(append(append(append(body, '"'), name...), `":`...), int64(value), 10)
			body = append(body, ',')
		}
	}
	body = append(body, '{')
	number("MaxNumberOfMessages", maximum)
	body = append(body, wanted...)
	body = appendJSON(append(body, `"QueueUrl":`...), url)
	body = append(body, ',')
	if attempt != "" {
		body = appendJSON(append(body, `"ReceiveRequestAttemptId":`...), attempt)
		body = append(body, ',')
	}
	number("VisibilityTimeout", visibility)
	number("WaitTimeSeconds", wait)
	body[len(body)-1] = '}'
	return body
}

// deleteBody returns the body of a DeleteMessageBatch request. The entries' ids are their
// indexes.
func deleteBody(url string, handles []string) []byte {
	size := 32 + len(url)
	for _, h := range handles {
		size += 32 + len(h)
	}
	body := append(make([]byte, 0, size), `{"Entries":[`...)
	for i, h := range handles {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(append(append(body, `{"Id":"`...), ids[i]...), `","ReceiptHandle":`...)
		body = append(appendJSON(body, h), '}')
	}
	return append(appendJSON(append(body, `],"QueueUrl":`...), url), '}')
}

// appendJSON appends s as a JSON string, written as the SDK writes it.
func appendJSON(to []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	to = append(to, '"')
	written := 0
	for i, r := range s {
		var escaped string
		size := 1
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"): // not UTF-8
			escaped = "\ufffd"
		case r == '"':
			escaped = `\"`
		case r == '\\':
			escaped = `\\`
		case r == '\n':
			escaped = `\n`
		case r == '\r':
			escaped = `\r`
		case r == '\t':
			escaped = `\t`
		case r < ' ', r == 0x7f:
			escaped = `\u00` + hexDigits[r>>4:r>>4+1] + hexDigits[r&15:r&15+1]
		case r == '\u2028', r == '\u2029':
			escaped, size = `\u202`+hexDigits[r&15:r&15+1], utf8.RuneLen(r)
		default:
			continue
		}
		to = append(append(to, s[written:i]...), escaped...)
		written = i + size
	}
	return append(append(to, s[written:]...), '"')
}
