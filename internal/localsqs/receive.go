package localsqs

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"time"
)

// senderID is the SenderId of all messages.
const senderID = "AIDALOCALSQS000000000"

// receiveRequest is a ReceiveMessage.
type receiveRequest struct {
	QueueURL                    string   `json:"QueueUrl"`
	MaxNumberOfMessages         *int     `json:"MaxNumberOfMessages"`
	WaitTimeSeconds             *int     `json:"WaitTimeSeconds"`
	VisibilityTimeout           *int     `json:"VisibilityTimeout"`
	ReceiveRequestAttemptID     string   `json:"ReceiveRequestAttemptId"`
	AttributeNames              []string `json:"AttributeNames"`
	MessageSystemAttributeNames []string `json:"MessageSystemAttributeNames"`
	MessageAttributeNames       []string `json:"MessageAttributeNames"`
}

// receiveMessage is the action ReceiveMessage.
func receiveMessage(c *call) error {
	var r receiveRequest
	if err := c.read(&r); err != nil {
		return err
	}
	q, st, err := c.settingsOf(r.QueueURL)
	if err != nil {
		return err
	}
	a := ask{limit: 1, visibility: st.visibility}
	wait := st.wait
	if n := r.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > 10 {
			return outOfRange(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		a.limit = *n
	}
	if n := r.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > 20 {
			return outOfRange(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		wait = time.Duration(*n) * time.Second
	}
	if n := r.VisibilityTimeout; n != nil {
		if *n < 0 || *n > 43_200 {
			return outOfRange(*n, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")
		}
		a.visibility = time.Duration(*n) * time.Second
	}
	if id := r.ReceiveRequestAttemptID; id != "" {
		if q.fifo == nil {
			return invalidParameterValue.because("Value %s for parameter ReceiveRequestAttemptId is invalid. Reason: "+
				"The request includes a parameter that is not valid for this queue type.", id)
		}
		if err := validID("ReceiveRequestAttemptId", id); err != nil {
			return err
		}
		a.attempt = id
	}
	system, err := readSystemNames(r.AttributeNames, r.MessageSystemAttributeNames)
	if err != nil {
		return err
	}

	out, err := q.wait(c.context(), a, wait)
	if err != nil {
		return err
	}
	if len(out) == 0 {
		return nil
	}
	c.undo = func() { c.s.giveBack(q, out) }
	if c.silent = c.context().Err() != nil; c.silent {
		c.undo()
	} else {
		c.appendDeliveries(out, system, r.MessageAttributeNames)
	}
	return nil
}

func (c *call) appendDeliveries(out []delivery, system systemNames, names []string) {
	size := 0
	for i := range out {
		size += len(out[i].body) + 512 // in one go: bodies may be large, and growing would copy them
	}
	c.out = append(slices.Grow(c.out, size), `{"Messages":[`...)
	for i := range out {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = c.s.appendDelivery(c.out, &out[i], system, names)
	}
	c.out = append(c.out, "]}"...)
}

func (c *call) settingsOf(address string) (*queue, settings, error) {
	now := c.s.lock()
	defer c.s.unlock(now)
	q, err := c.s.queueAt(address)
	if err != nil {
		return nil, settings{}, err
	}
	return q, q.settings, nil
}

func (s *Server) appendDelivery(to []byte, d *delivery, system systemNames, names []string) []byte {
	to = append(to, `{"MessageId":"`...)
	to = d.id.append(to)
	to = append(to, `","ReceiptHandle":"`...)
	to = s.ids.appendReceipt(to, d.receipt)
	to = append(to, `","MD5OfBody":"`...)
	to = hex.AppendEncode(to, d.bodyMD5[:])
	to = append(to, `","Body":`...)
	to = appendString(to, d.body)
	to = d.appendSystem(to, system)
	to = d.appendAttributes(to, names)
	return append(to, '}')
}

// appendAttributes appends the message attributes that were asked for, and the
// digest of those.
func (d *delivery) appendAttributes(to []byte, names []string) []byte {
	if len(d.attributes) == 0 || len(names) == 0 {
		return to
	}
	wanted := make([]attribute, 0, len(d.attributes))
	for i := range d.attributes {
		if wants(names, d.attributes[i].name) {
			wanted = append(wanted, d.attributes[i])
		}
	}
	if len(wanted) == 0 {
		return to
	}
	sum := d.attributesMD5
	if len(wanted) < len(d.attributes) {
		sum = md5OfAttributes(wanted)
	}
	to = append(to, `,"MD5OfMessageAttributes":"`...)
	to = hex.AppendEncode(to, sum[:])
	to = append(to, `","MessageAttributes":{`...)
	for i := range wanted {
		a := &wanted[i]
		if i > 0 {
			to = append(to, ',')
		}
		to = appendString(to, a.name)
		to = append(to, `:{"DataType":`...)
		to = appendString(to, a.dataType)
		if a.binary {
			to = append(to, `,"BinaryValue":"`...)
			to = base64.StdEncoding.AppendEncode(to, []byte(a.value))
			to = append(to, `"}`...)
		} else {
			to = append(to, `,"StringValue":`...)
			to = appendString(to, a.value)
			to = append(to, '}')
		}
	}
	return append(to, '}')
}
