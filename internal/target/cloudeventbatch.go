package target

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// cloudEventBatches sends CloudEvents 1.0 in HTTP's batched mode, and one alone as a batch of
// one: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format
type cloudEventBatches struct{}

var eventBatchType = []string{"application/cloudevents-batch+json"}

func (f cloudEventBatches) write(x *exchange, from source, m *message.Message) {
	f.writeBatch(x, from, []*message.Message{m})
}

func (cloudEventBatches) writeBatch(x *exchange, from source, all []*message.Message) {
	x.sendEvents("[", all, func(m *message.Message) any { return eventOf(from, m) }, "]")
	// Not a configured Content-Type: it is what tells a batch from an event.
	x.head.to["Content-Type"] = eventBatchType
	x.head.set("X-Poller-Queue", from.queue)
}

// eventOf returns a message as an event, with what is a header in binary mode as attributes.
func eventOf(from source, m *message.Message) map[string]any {
	lifted, _ := lift(m.Attributes)
	event := make(map[string]any, len(lifted)+10)
	event["id"], event["source"], event["type"] = m.ID, from.arn, eventType
	event["receivecount"] = m.ReceiveCount
	if m.GroupID != "" {
		event["partitionkey"] = m.GroupID
	}
	if !m.SentAt.IsZero() {
		event["time"] = m.SentAt.In(time.UTC).Format(sentAt)
	}
	parent, state := m.Traceparent, m.Tracestate
	if parent == "" {
		parent, state, _ = Origin(m)
	}
	if parent != "" {
		if event["traceparent"] = parent; state != "" {
			event["tracestate"] = state
		}
	}
	for name, value := range lifted {
		if name != "data" && name != "database64" {
			event[name] = value
		}
	}
	kind := eventContentType(lifted["datacontenttype"], m)[0]
	event["specversion"], event["datacontenttype"] = "1.0", kind
	switch {
	case !isJSONType(kind):
		event["data"] = m.Body
	case validJSON(m.Body):
		event["data"] = json.RawMessage(m.Body)
	default: // it only claims to be JSON
		event["datacontenttype"], event["data"] = textType[0], m.Body
	}
	return event
}

func isJSONType(kind string) bool {
	media, _, err := mime.ParseMediaType(kind)
	return err == nil && (media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json"))
}

// size allows for the attributes that are sent as text and as an attribute's name.
func (cloudEventBatches) size(m *message.Message) int { return sizeInJSON(m) }

func (cloudEventBatches) exceptions() map[int]message.Outcome { return exceptions }

func (f cloudEventBatches) read(answer *http.Response, m *message.Message) (*failure, error) {
	failed, whole, err := f.readBatch(answer, []*message.Message{m})
	if whole == nil && failed != nil && failed[0] {
		whole = itemFailure
	}
	return whole, err
}

// readBatch follows Lambda's rules where the answer is JSON; where not, its status says that
// all are delivered.
func (cloudEventBatches) readBatch(answer *http.Response, all []*message.Message) ([]bool, *failure, error) {
	if !isJSONType(answer.Header.Get("Content-Type")) {
		return make([]bool, len(all)), nil, drop(answer)
	}
	found, err := readFailures(answer.Body, idsOf(all))
	if invalid, ok := errors.AsType[*invalidAnswer](err); ok {
		return nil, &failure{reasonInvalidAnswer, "gave an invalid answer to a batch: " + invalid.why}, drop(answer)
	}
	if err != nil {
		return nil, nil, err
	}
	return found.failed, nil, nil
}
