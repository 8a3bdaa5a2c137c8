package localsqs

import "time"

// sendRequest is a SendMessage, or one entry of a SendMessageBatch.
type sendRequest struct {
	ID                      string                    `json:"Id"`
	QueueURL                string                    `json:"QueueUrl"`
	MessageBody             string                    `json:"MessageBody"`
	DelaySeconds            *int                      `json:"DelaySeconds"`
	MessageAttributes       map[string]attributeValue `json:"MessageAttributes"`
	MessageSystemAttributes map[string]attributeValue `json:"MessageSystemAttributes"`
	MessageGroupID          *string                   `json:"MessageGroupId"`
	MessageDeduplicationID  *string                   `json:"MessageDeduplicationId"`

	// traceID is the request's header X-Amzn-Trace-Id: SQS keeps it as the
	// AWSTraceHeader of a message that brings none.
	traceID string
}

// draft is a send that was read and checked as far as that goes without its
// queue.
type draft struct {
	body     string
	bodyMD5  digest
	bytes    int
	delay    time.Duration // -1: the queue's
	details  *details
	hasGroup bool
	hasDedup bool
	// systemMD5 is set when there were system attributes.
	systemMD5 digest
	hasSystem bool
}

// read checks a send before the mutex is taken.
func (r *sendRequest) read() (*draft, error) {
	d := &draft{body: r.MessageBody, delay: -1, details: &noDetails}
	if r.MessageBody == "" {
		return nil, missing("MessageBody")
	}
	if !validText(r.MessageBody) {
		return nil, invalidMessageContents.because("%s", invalidCharacters)
	}
	if r.DelaySeconds != nil {
		if n := *r.DelaySeconds; n < 0 || n > 900 {
			return nil, outOfRange(n, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
		}
		d.delay = time.Duration(*r.DelaySeconds) * time.Second
	}
	attributes, bytes, err := readAttributes(r.MessageAttributes)
	if err != nil {
		return nil, err
	}
	d.bytes = len(r.MessageBody) + bytes
	d.bodyMD5 = md5Of(r.MessageBody)
	if len(attributes) > 0 || r.MessageGroupID != nil || r.MessageDeduplicationID != nil ||
		len(r.MessageSystemAttributes) > 0 || r.traceID != "" {
		d.details = &details{attributes: attributes, traceHeader: r.traceID}
		if len(attributes) > 0 {
			d.details.attributesMD5 = md5OfAttributes(attributes)
		}
		if err := d.readIDs(r); err != nil {
			return nil, err
		}
	}
	return d, d.readSystem(r.MessageSystemAttributes)
}

func (d *draft) readIDs(r *sendRequest) error {
	if r.MessageGroupID != nil {
		if err := validID("MessageGroupId", *r.MessageGroupID); err != nil {
			return err
		}
		d.details.groupID, d.hasGroup = *r.MessageGroupID, true
	}
	if r.MessageDeduplicationID != nil {
		if err := validID("MessageDeduplicationId", *r.MessageDeduplicationID); err != nil {
			return err
		}
		d.details.dedupID, d.hasDedup = *r.MessageDeduplicationID, true
	}
	return nil
}

// readSystem reads the one system attribute there is.
func (d *draft) readSystem(given map[string]attributeValue) error {
	if len(given) == 0 {
		return nil
	}
	for _, name := range sortedKeys(given) {
		if name != "AWSTraceHeader" {
			return invalidParameterValue.because(
				"Message system attribute name '%s' is invalid. Only AWSTraceHeader is supported.", name)
		}
	}
	a, err := readAttribute("AWSTraceHeader", given["AWSTraceHeader"])
	if err != nil {
		return err
	}
	if a.dataType != "String" {
		return invalidParameterValue.because("The message system attribute 'AWSTraceHeader' must be of type String.")
	}
	d.details.traceHeader = a.value
	d.systemMD5, d.hasSystem = md5OfAttributes([]attribute{a}), true
	return nil
}

// idPunctuation is what SQS accepts in ids in addition to letters and digits.
const idPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

func validID(parameter, value string) error {
	if value == "" || len(value) > 128 || !onlyChars(value, idPunctuation) {
		return invalidParameterValue.because("Value %s for parameter %s is invalid. Reason: %s can only include "+
			"alphanumeric and punctuation characters. 1 to 128 in length.", value, parameter, parameter)
	}
	return nil
}
