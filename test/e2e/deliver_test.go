//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestEachMessageIsDeliveredOnceAndDeleted(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			bodies := make([]string, 64)
			for i := range bodies {
				bodies[i] = fmt.Sprintf("message %d", i)
			}
			ids := q.send(t, bodies[:32]...) // before the start
			d := newDaemon(t, s, q, g)
			ids = append(ids, q.send(t, bodies[32:]...)...)
			g.mustGet(t, len(ids))
			q.mustGetEmpty(t)
			d.mustDrain(t)
			d.mustCount(t, map[string]float64{"delivered": 64, "failed": 0, "rejected": 0, "released": 0, "abandoned": 0})
			mustBeOnce(t, g.deliveries(), ids)
		})
	}
}

func TestBodiesArriveByteForByte(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			bodies := []string{
				"x",
				" ",
				"\r\n\t two lines \n\n",
				`{"a": 1,  "b":"\u00e4"}`,
				"<Message>&amp;&#10;</Message> \"quoted\" 'so' \\ %20 + %",
				"Grüße, 世界, ไทย, עברית, 👩‍👩‍👧",
				"e\u0301 is not \u00e9; \u200f\u2028\uFFFD\uFEFF",
				strings.Repeat("ä", 1<<20/2), // the most that SQS takes
			}
			q, g := newQueue(t, s), newTarget(t, nil)
			ids := q.send(t, bodies...)
			d := newDaemon(t, s, q, g)
			got := g.mustGet(t, len(bodies))
			for i, body := range bodies {
				at := slices.IndexFunc(got, func(d delivery) bool { return d.id == ids[i] })
				if at < 0 {
					t.Errorf("body %.40q was not delivered", body)
				} else if got[at].body != body {
					t.Errorf("body %.40q of %d bytes arrived as %.40q of %d", body, len(body), got[at].body, len(got[at].body))
				}
			}
			q.mustGetEmpty(t)
			d.mustDrain(t)
		})
	}
}

func TestAttributesArriveAsHeaders(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
			q, g := newQueue(t, s), newTarget(t, nil)
			text := func(value string) types.MessageAttributeValue {
				return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
			}
			id := q.sendInput(t, &sqs.SendMessageInput{
				MessageBody: aws.String("<a/>"),
				MessageAttributes: map[string]types.MessageAttributeValue{
					"Tenant":       text("blue"),
					"Price":        {DataType: aws.String("Number"), StringValue: aws.String("12.50")},
					"Picture":      {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 2}},
					"City":         text("Zürich\r\nX-Evil: 100%"),
					"Content-Type": text("application/xml"),
					"traceparent":  text(parent),
				},
			})
			d := newDaemon(t, s, q, g, "--header", "X-Source: e2e, test")
			header := g.mustGet(t, 1)[0].header
			for name, want := range map[string]string{
				"Content-Type":           "application/xml",
				"X-Poller-Message-Id":    id,
				"Idempotency-Key":        id,
				"X-Poller-Queue":         q.name,
				"X-Poller-Receive-Count": "1",
				"X-Poller-Attr-Tenant":   "blue",
				"X-Poller-Attr-Price":    "12.50",
				"X-Poller-Attr-City":     "Z%C3%BCrich%0D%0AX-Evil: 100%25",
				"X-Poller-Encoded":       "X-Poller-Attr-City",
				"X-Poller-Attr-Omitted":  "Picture",
				"Traceparent":            parent,
				"X-Source":               "e2e, test",
				"X-Evil":                 "",
			} {
				if got := header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			q.mustGetEmpty(t)
			d.mustDrain(t)
		})
	}
}

func TestTheTraceHeaderOfSQSArrives(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			q.sendInput(t, &sqs.SendMessageInput{
				MessageBody: aws.String("traced"),
				MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {
					DataType:    aws.String("String"),
					StringValue: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
				}},
			})
			newDaemon(t, s, q, g)
			const want = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
			if got := g.mustGet(t, 1)[0].header.Get("Traceparent"); got != want {
				t.Errorf("traceparent %q, want %q", got, want)
			}
			q.mustGetEmpty(t)
		})
	}
}

func TestGroupsOfAFIFOQueueArriveInOrder(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, s, "FifoQueue", "true", "ContentBasedDeduplication", "true")
			g := newTarget(t, nil)
			sent := map[string][]string{}
			for i := range 30 {
				group := fmt.Sprintf("group-%d", i%3)
				body := fmt.Sprintf("message %d", i)
				q.sendInput(t, &sqs.SendMessageInput{MessageBody: &body, MessageGroupId: &group})
				sent[group] = append(sent[group], body)
			}
			d := newDaemon(t, s, q, g)
			got := map[string][]string{}
			for _, one := range g.mustGet(t, 30) {
				group := one.header.Get("X-Poller-Group-Id")
				got[group] = append(got[group], one.body)
			}
			for group, want := range sent {
				if !slices.Equal(got[group], want) {
					t.Errorf("%s arrived as %q", group, got[group])
				}
			}
			q.mustGetEmpty(t)
			d.mustDrain(t)
		})
	}
}

func TestARejectedMessageIsRetriedAndEndsInTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, dead := newQueueWithDeadLetters(t, s, 3)
			g := newPoisonedTarget(t, http.StatusUnprocessableEntity)
			q.send(t, "good", "poison", "better")
			d := newDaemon(t, s, q, g, "--backoff", "1s", "--backoff-max", "1s")
			eventually(t, "the message is in the dead-letter queue", func() bool {
				visible, _ := dead.count(t)
				return visible == 1
			})
			q.mustGetEmpty(t)
			d.mustDrain(t)
			if got := receivesOfPoison(g.deliveries()); !slices.Equal(got, []int{1, 2, 3}) {
				t.Errorf("the receive counts of its deliveries were %v", got)
			}
			if got := dead.receive(t); len(got) != 1 || *got[0].Body != "poison" {
				t.Errorf("the dead-letter queue gave %d messages", len(got))
			}
			d.mustCount(t, map[string]float64{"delivered": 2, "rejected": 3, "abandoned": 0})
		})
	}
}

// A message that the target fails at is held until the success of others proves that
// it is not the target's fault: so others go on coming here.
func TestAMessageThatFailsWhileOthersSucceedEndsInTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, dead := newQueueWithDeadLetters(t, s, 3)
			g := newPoisonedTarget(t, http.StatusInternalServerError)
			q.send(t, "poison")
			d := newDaemon(t, s, q, g, "--backoff", "1s", "--backoff-max", "1s")
			eventually(t, "the message is in the dead-letter queue", func() bool {
				q.send(t, "good")
				visible, _ := dead.count(t)
				return visible > 0
			})
			q.mustGetEmpty(t)
			d.mustDrain(t)
			if got := slices.Compact(receivesOfPoison(g.deliveries())); !slices.Equal(got, []int{1, 2, 3}) {
				t.Errorf("the receive counts of its deliveries were %v", got)
			}
			if got := dead.receive(t); len(got) != 1 || *got[0].Body != "poison" {
				t.Errorf("the dead-letter queue gave %d messages", len(got))
			}
		})
	}
}

// newPoisonedTarget answers "poison" with this status, and 200 to everything else.
func newPoisonedTarget(t *testing.T, status int) *target {
	t.Helper()
	return newTarget(t, func(d delivery) int {
		if d.body == "poison" {
			return status
		}
		return http.StatusOK
	})
}

// receivesOfPoison are the receive counts of the deliveries of "poison".
func receivesOfPoison(all []delivery) []int {
	var counts []int
	for _, d := range all {
		if d.body == "poison" {
			counts = append(counts, d.receives)
		}
	}
	return counts
}

func TestVisibilityIsExtendedForADeliveryThatOutlastsIt(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s, "VisibilityTimeout", "2"), newShutTarget(t)
			ids := q.send(t, "one", "two", "three", "four")
			d := newDaemon(t, s, q, g, "--concurrency", "2")
			g.mustGet(t, 2)
			// Messages in hand are extended at every half-life of 1 s: by then, three visibility
			// timeouts are over.
			eventually(t, "seven extensions of a delivery", func() bool {
				return d.metric(t, "poller_visibility_extensions_total", `result="ok"`) >= 7*2
			})
			if n := len(g.deliveries()); n != 2 {
				t.Errorf("%d deliveries began, two at once are allowed", n)
			}
			g.open()
			g.mustGet(t, 4)
			q.mustGetEmpty(t)
			d.mustDrain(t)
			mustBeOnce(t, g.deliveries(), ids)
			for _, one := range g.deliveries() {
				if one.receives != 1 {
					t.Errorf("%q was received %d times", one.body, one.receives)
				}
			}
		})
	}
}
