package target

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/message"
)

// topicHeader has the topic of a message that came by SNS.
const topicHeader = "X-Poller-Topic"

// envelopes unwraps messages that SNS has put into an envelope:
// https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
type envelopes struct {
	unwrap    bool
	log       *slog.Logger
	unwrapped atomic.Int64
	none      atomic.Int64
	once      sync.Once
}

// envelope is an SNS notification.
type envelope struct {
	Type              string
	MessageID         string `json:"MessageId"`
	TopicARN          string `json:"TopicArn"`
	Message           *string
	Timestamp         string
	MessageAttributes map[string]struct{ Type, Value string }
}

// open returns the message inside m's envelope, and its topic. A message without one is
// returned as it is.
func (e *envelopes) open(ctx context.Context, queue string, m *message.Message) (inner *message.Message, topic string) {
	if !e.unwrap {
		return m, ""
	}
	inner, topic, err := opened(m)
	if err != nil {
		e.none.Add(1)
		e.once.Do(func() {
			e.log.WarnContext(ctx, "a body is not an SNS notification: such messages are delivered as they are",
				slog.String("queue", queue), slog.String("message_id", m.ID), slog.Any("reason", err))
		})
		return m, ""
	}
	e.unwrapped.Add(1)
	return inner, topic
}

// opened is open's rule. Its errors contain nothing of the body.
func opened(m *message.Message) (*message.Message, string, error) {
	var in envelope
	if !strings.Contains(m.Body, `"TopicArn"`) || json.Unmarshal([]byte(m.Body), &in) != nil {
		return nil, "", errors.New("it is not a JSON object with a TopicArn")
	}
	if in.Type != "Notification" || in.MessageID == "" || in.TopicARN == "" || in.Timestamp == "" || in.Message == nil {
		return nil, "", errors.New("it lacks Type Notification, MessageId, TopicArn, Message or Timestamp")
	}
	inner := *m
	inner.Body = *in.Message
	if len(in.MessageAttributes) > 0 {
		inner.Attributes = make(map[string]message.Attribute, len(m.Attributes)+len(in.MessageAttributes))
		maps.Copy(inner.Attributes, m.Attributes)
	}
	for name, a := range in.MessageAttributes {
		attribute := message.Attribute{DataType: a.Type, StringValue: a.Value}
		if a.Type == "Binary" {
			value, err := base64.StdEncoding.DecodeString(a.Value)
			if err != nil {
				return nil, "", errors.New("a binary attribute is not base64")
			}
			attribute = message.Attribute{DataType: a.Type, BinaryValue: value}
		}
		inner.Attributes[name] = attribute
	}
	return &inner, in.TopicARN, nil
}

var envelopesDesc = prometheus.NewDesc("poller_envelopes_total",
	"Deliveries with --unwrap, by whether the body was an envelope.", []string{"result"}, nil)

// Describe implements prometheus.Collector.
func (e *envelopes) Describe(descs chan<- *prometheus.Desc) { descs <- envelopesDesc }

// Collect implements prometheus.Collector.
func (e *envelopes) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(envelopesDesc, prometheus.CounterValue, float64(e.unwrapped.Load()), "unwrapped")
	metrics <- prometheus.MustNewConstMetric(envelopesDesc, prometheus.CounterValue, float64(e.none.Load()), "none")
}
