package localsqs

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"
)

// modelled is what the model knows of one message.
type modelled struct {
	body     string
	due      time.Time // when a delay or a visibility ends
	handle   string    // the newest
	receives int
}

// model is a standard queue as the documents describe it: a list, and the clock.
type model struct {
	b        bench
	url      string
	messages []*modelled // oldest first
	sent     int
	handles  []string
}

func (m *model) visible() []*modelled {
	var out []*modelled
	for _, one := range m.messages {
		if !one.due.After(time.Now()) {
			out = append(out, one)
		}
	}
	return out
}

func (m *model) send(t *rapid.T) {
	delay := rapid.Int32Range(0, 3).Draw(t, "delay")
	body := fmt.Sprint(m.sent)
	m.sent++
	_, err := m.b.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &m.url, MessageBody: &body, DelaySeconds: delay})
	if err != nil {
		t.Fatal(err)
	}
	m.messages = append(m.messages, &modelled{body: body, due: time.Now().Add(time.Duration(delay) * time.Second)})
}

func (m *model) receive(t *rapid.T) {
	limit, visibility := rapid.Int32Range(1, 10).Draw(t, "limit"), rapid.Int32Range(1, 5).Draw(t, "visibility")
	out, err := m.b.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: &m.url, MaxNumberOfMessages: limit, VisibilityTimeout: visibility,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := m.visible()
	want = want[:min(len(want), int(limit))]
	if len(out.Messages) != len(want) {
		t.Fatalf("received %s, want %d messages", bodies(out.Messages), len(want))
	}
	for i, got := range out.Messages {
		want[i].receives++
		if *got.Body != want[i].body || got.Attributes["ApproximateReceiveCount"] != fmt.Sprint(want[i].receives) {
			t.Fatalf("message %d is %s, received %s times; want %s and %d",
				i, *got.Body, got.Attributes["ApproximateReceiveCount"], want[i].body, want[i].receives)
		}
		want[i].due = time.Now().Add(time.Duration(visibility) * time.Second)
		want[i].handle = *got.ReceiptHandle
		m.handles = append(m.handles, *got.ReceiptHandle)
	}
}

func (m *model) anyHandle(t *rapid.T) string {
	if len(m.handles) == 0 {
		t.Skip("no handle yet")
	}
	return m.handles[rapid.IntRange(0, len(m.handles)-1).Draw(t, "handle")]
}

func (m *model) byHandle(handle string) int {
	return slices.IndexFunc(m.messages, func(one *modelled) bool { return one.handle == handle })
}

func (m *model) delete(t *rapid.T) {
	handle := m.anyHandle(t)
	_, err := m.b.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &m.url, ReceiptHandle: &handle})
	if err != nil {
		t.Fatal(err)
	}
	if i := m.byHandle(handle); i >= 0 {
		m.messages = slices.Delete(m.messages, i, i+1)
	}
}

func (m *model) change(t *rapid.T) {
	handle, seconds := m.anyHandle(t), rapid.Int32Range(0, 4).Draw(t, "seconds")
	_, err := m.b.ChangeMessageVisibility(context.Background(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &m.url, ReceiptHandle: &handle, VisibilityTimeout: seconds,
	})
	i := m.byHandle(handle)
	if owned := i >= 0 && m.messages[i].due.After(time.Now()); owned != (err == nil) {
		t.Fatalf("in flight by this handle: %v, but the answer is %v", owned, err)
	}
	if err == nil {
		m.messages[i].due = time.Now().Add(time.Duration(seconds) * time.Second)
	}
}

func (m *model) check(t *rapid.T) {
	visible, inFlight, delayed, _ := m.b.s.Depth("orders")
	hidden := 0
	for _, one := range m.messages {
		if one.receives == 0 && one.due.After(time.Now()) {
			hidden++
		}
	}
	if want := len(m.visible()); visible != want || delayed != hidden || inFlight != len(m.messages)-want-hidden {
		t.Fatalf("%d visible, %d in flight, %d delayed; want %d, %d, %d",
			visible, inFlight, delayed, want, len(m.messages)-want-hidden, hidden)
	}
}

func TestAStandardQueueDoesWhatItsModelDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { // a bubble has no deadline to ask for
			s := New(WithSeed(1))
			defer s.Close()
			url, err := s.CreateQueue("orders", nil)
			if err != nil {
				rt.Fatal(err)
			}
			m := &model{b: bench{s, clientOf(s)}, url: url}
			rt.Repeat(map[string]func(*rapid.T){
				"send": m.send, "receive": m.receive, "delete": m.delete, "change": m.change,
				"wait": func(t *rapid.T) { sleep(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond) },
				"":     m.check,
			})
		})
	})
}
