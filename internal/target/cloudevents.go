package target

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// eventType is the type that Knative gives to messages from SQS.
const eventType = "dev.knative.connector.event.aws-sqs"

// cloudEvents sends CloudEvents 1.0 in HTTP's binary mode, beside the headers of raw:
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
type cloudEvents struct{}

func (cloudEvents) write(x *exchange, from source, m *message.Message) {
	x.send(m.Body)
	lifted, others := lift(m.Attributes)
	own := func(key, value string) {
		if lifted[key] == "" {
			lifted[key] = value
		}
	}
	own("id", m.ID)
	own("source", from.arn)
	own("type", eventType)
	if !m.SentAt.IsZero() {
		own("time", m.SentAt.In(time.UTC).Format(sentAt))
	}
	lifted["specversion"] = "1.0"
	x.contentType(eventContentType(lifted["datacontenttype"], m))
	delete(lifted, "datacontenttype") // in binary mode that is Content-Type
	keys := make([]string, 0, len(lifted))
	for key := range lifted {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	left := maxAttributes
	for _, key := range keys {
		value := eventValue(lifted[key])
		if left -= len("ce-") + len(key) + len(value) + lineCost; left < 0 && !required[key] {
			continue
		}
		x.head.raw(http.CanonicalHeaderKey("ce-"+key), value)
	}
	x.head.message(from.queue, m)
	if len(others) > 0 {
		x.head.attributes(others)
	}
}

// required are the context attributes that an event cannot do without.
var required = map[string]bool{"id": true, "source": true, "type": true, "specversion": true}

// lift splits attributes into those of the event, by their names without the prefix, and
// the others. If an attribute is there as ce-NAME and ce_NAME, ce-NAME wins.
func lift(all map[string]message.Attribute) (lifted map[string]string, others map[string]message.Attribute) {
	lifted = make(map[string]string, 5)
	for name, attribute := range all {
		key := eventName(name)
		if key == "" || !isText(attribute) || attribute.StringValue == "" {
			if others == nil {
				others = make(map[string]message.Attribute, len(all))
			}
			others[name] = attribute
			continue
		}
		if _, twice := lifted[key]; twice && name[2] == '_' {
			continue
		}
		lifted[key] = attribute.StringValue
	}
	return lifted, others
}

// eventName returns the name of the context attribute that a message attribute called
// ce-NAME or ce_NAME stands for, or "". Names have lower-case letters and digits alone.
func eventName(name string) string {
	if len(name) < 4 || name[:2] != "ce" || name[2] != '-' && name[2] != '_' {
		return ""
	}
	for i := 3; i < len(name); i++ {
		if c := name[i]; (c < 'a' || c > 'z') && !isDigit(c) {
			return ""
		}
	}
	return name[3:]
}

func eventContentType(given string, m *message.Message) []string {
	if given != "" && isMediaType(given) {
		return []string{given}
	}
	return contentType(m)
}

// eventValue percent-encodes what CloudEvents does not allow in a header: anything but
// printable ASCII, and spaces, double quotes and percent signs.
func eventValue(value string) string {
	if !strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '%' }) {
		return value
	}
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c > '~' || c == '"' || c == '%' {
			percent(&b, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (cloudEvents) exceptions() map[int]message.Outcome { return exceptions }

func (cloudEvents) read(answer *http.Response, _ *message.Message) (*failure, error) {
	return nil, drop(answer)
}
