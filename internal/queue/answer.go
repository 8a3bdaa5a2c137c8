package queue

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-poller/poller/internal/message"
)

// Where the values of a response's objects are nested.
const (
	inAnswer  = 2
	inElement = 4
)

// decodeMessages decodes what ReceiveMessage answers. What it does not know, it skips.
func decodeMessages(s *scanner) (messages []*message.Message, err error) {
	err = decodeAnswer(s, func(key []byte) error {
		if string(key) != "Messages" {
			return s.skip(inAnswer)
		}
		messages = make([]*message.Message, 0, MaxBatch)
		return s.array(func() error {
			// Each is allocated separately: a slice of ten would keep nine bodies in memory
			// for a single held message.
			m := new(message.Message)
			messages = append(messages, m)
			return decodeMessage(s, m)
		})
	})
	if err != nil {
		return nil, err
	}
	return messages, nil
}

// decodeAnswer decodes a response's outermost object. An empty response has no members.
func decodeAnswer(s *scanner, member func(key []byte) error) error {
	if len(s.window) == 0 && !s.more() && (s.err == nil || errors.Is(s.err, io.EOF)) {
		return nil
	}
	if s.peek() == 'n' {
		return s.failed("an object is missing")
	}
	return decodeMembers(s, member)
}

// decodeMembers decodes an object. One that is null has no members, and a member that is
// null is left out.
func decodeMembers(s *scanner, member func(key []byte) error) error {
	if s.null() {
		return nil
	}
	return s.object(func(key []byte) error {
		if s.null() {
			return nil
		}
		return member(key)
	})
}

func decodeMessage(s *scanner, m *message.Message) error {
	return decodeMembers(s, func(key []byte) (err error) {
		switch string(key) {
		case "MessageId":
			m.ID, err = s.string()
		case "ReceiptHandle":
			m.ReceiptHandle, err = s.string()
		case "Body":
			m.Body, err = s.string()
		case "Attributes":
			m.SentAt, m.FirstReceivedAt, m.ReceiveCount, m.SenderID = time.Time{}, time.Time{}, 0, ""
			m.GroupID, m.DeduplicationID, m.SequenceNumber, m.TraceHeader = "", "", "", ""
			err = s.object(func(key []byte) error { return decodeSystemAttribute(s, key, m) })
		case "MessageAttributes":
			m.Attributes, err = decodeAttributes(s)
		case "MD5OfBody", "MD5OfMessageAttributes":
			_, err = s.quoted()
		default:
			err = s.skip(inElement)
		}
		return err
	})
}

// decodeSystemAttribute decodes one of SQS's own attributes. If it is null, it is empty.
func decodeSystemAttribute(s *scanner, key []byte, m *message.Message) (err error) {
	var into *string
	switch string(key) {
	case "SentTimestamp":
		m.SentAt, err = decodeTime(s)
		return err
	case "ApproximateFirstReceiveTimestamp":
		m.FirstReceivedAt, err = decodeTime(s)
		return err
	case "ApproximateReceiveCount":
		n, _, err := decodeInteger(s)
		m.ReceiveCount = int(n)
		return err
	case "SenderId":
		into = &m.SenderID
	case "MessageGroupId":
		into = &m.GroupID
	case "MessageDeduplicationId":
		into = &m.DeduplicationID
	case "SequenceNumber":
		into = &m.SequenceNumber
	case "AWSTraceHeader":
		into = &m.TraceHeader
	default:
		if !s.null() {
			_, err = s.quoted()
		}
		return err
	}
	if *into = ""; !s.null() {
		*into, err = s.string()
	}
	return err
}

// decodeTime decodes Unix milliseconds. What is null is the zero time.
func decodeTime(s *scanner) (time.Time, error) {
	ms, ok, err := decodeInteger(s)
	if !ok {
		return time.Time{}, err
	}
	return time.UnixMilli(ms), err
}

func decodeInteger(s *scanner) (n int64, ok bool, err error) {
	if s.null() {
		return 0, false, nil
	}
	return s.integer()
}

func decodeAttributes(s *scanner) (map[string]message.Attribute, error) {
	var attributes map[string]message.Attribute
	err := s.object(func(key []byte) error {
		name := string(key)
		var a message.Attribute
		if err := decodeMembers(s, func(key []byte) error { return decodeAttribute(s, key, &a) }); err != nil {
			return err
		}
		if attributes == nil {
			attributes = make(map[string]message.Attribute)
		}
		attributes[name] = a
		return nil
	})
	return attributes, err
}

func decodeAttribute(s *scanner, key []byte, a *message.Attribute) (err error) {
	switch string(key) {
	case "DataType":
		a.DataType, err = s.string()
	case "StringValue":
		a.StringValue, err = s.string()
	case "BinaryValue":
		var value quoted
		if value, err = s.quoted(); err != nil {
			return err
		}
		encoded := value.raw
		if value.escapes {
			encoded = []byte(value.String())
		}
		a.BinaryValue = make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
		var n int
		if n, err = base64.StdEncoding.Decode(a.BinaryValue, encoded); err != nil {
			return s.failed("a binary value is not base64")
		}
		a.BinaryValue = a.BinaryValue[:n:n]
	default:
		err = s.skip(inElement + 2)
	}
	return err
}

// deleted is what DeleteMessageBatch answers.
type deleted struct {
	successful []string // ids
	failed     []types.BatchResultErrorEntry
}

// deletions reads the answer to a DeleteMessageBatch request.
func (w *wire) deletions(answer *http.Response) (deleted, error) {
	whole, err := readAnswer(answer.Body, answer.ContentLength)
	if err != nil {
		return deleted{}, err
	}
	defer func() { _ = whole.Close() }()
	return decodeDeleted(newScanner(whole.buffer.Bytes(), nil))
}

func decodeDeleted(s *scanner) (d deleted, err error) {
	err = decodeAnswer(s, func(key []byte) error {
		switch string(key) {
		case "Successful":
			d.successful = make([]string, 0, MaxBatch)
			return s.array(func() error {
				id := ""
				err := decodeMembers(s, func(key []byte) (err error) {
					if string(key) != "Id" {
						return s.skip(inElement)
					}
					id, err = decodeID(s)
					return err
				})
				d.successful = append(d.successful, id)
				return err
			})
		case "Failed":
			d.failed = nil
			return s.array(func() error {
				var e types.BatchResultErrorEntry
				err := decodeMembers(s, func(key []byte) error { return decodeFailed(s, key, &e) })
				d.failed = append(d.failed, e)
				return err
			})
		default:
			return s.skip(inAnswer)
		}
	})
	return d, err
}

// decodeID decodes an entry's id, which is one of ours.
func decodeID(s *scanner) (string, error) {
	q, err := s.quoted()
	if err != nil {
		return "", err
	}
	if len(q.raw) == 1 && '0' <= q.raw[0] && q.raw[0] <= '9' {
		return ids[q.raw[0]-'0'], nil
	}
	return q.String(), nil
}

func decodeFailed(s *scanner, key []byte, e *types.BatchResultErrorEntry) error {
	into := func(field **string) error {
		value, err := s.string()
		*field = &value
		return err
	}
	switch string(key) {
	case "Id":
		return into(&e.Id)
	case "Code":
		return into(&e.Code)
	case "Message":
		return into(&e.Message)
	case "SenderFault":
		if e.SenderFault = s.peek() == 't'; e.SenderFault {
			return s.literal("true")
		}
		return s.literal("false")
	default:
		return s.skip(inElement)
	}
}
