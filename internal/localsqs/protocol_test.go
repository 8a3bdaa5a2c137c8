package localsqs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// raw is an answer as it is on the wire.
type raw struct {
	status int
	header http.Header
	body   string
}

// post sends one raw request.
func post(t *testing.T, s *Server, action, contentType, body string) raw {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if action != "" {
		r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return raw{w.Code, w.Header(), w.Body.String()}
}

func TestAnErrorHasSQSsFormOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		r := post(t, b.s, "SendMessage", jsonType, `{"QueueUrl":"http://h/000000000000/nowhere","MessageBody":"m"}`)
		if r.status != 400 || r.header.Get("Content-Type") != "application/x-amz-json-1.0" ||
			r.header.Get("x-amzn-query-error") != "AWS.SimpleQueueService.NonExistentQueue;Sender" {
			t.Fatalf("%d %v", r.status, r.header)
		}
		if got := r.body; got != `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}` {
			t.Fatalf("body %s", got)
		}
		if len(r.header.Get("x-amzn-RequestId")) != 36 || r.header.Get("Date") != time.Now().UTC().Format(http.TimeFormat) {
			t.Fatalf("headers %v", r.header)
		}
	})
}

func TestAnAnswerSaysOnlyWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		for action, body := range map[string]string{
			"ReceiveMessage":     `{"QueueUrl":"` + url + `"}`,
			"GetQueueAttributes": `{"QueueUrl":"` + url + `"}`,
			"ListQueueTags":      `{"QueueUrl":"` + url + `"}`,
			"SetQueueAttributes": `{"QueueUrl":"` + url + `","Attributes":{}}`,
			"ListQueues":         `{"QueueNamePrefix":"x"}`,
			"DeleteQueue":        `{"QueueUrl":"` + b.queue(t, "other") + `"}`,
		} {
			r := post(t, b.s, action, jsonType+"; charset=utf-8", body)
			if r.status != 200 || r.body != "{}" {
				t.Errorf("%s: %d %s", action, r.status, r.body)
			}
		}
		r := post(t, b.s, "SendMessageBatch", jsonType, `{"QueueUrl":"`+url+`","Entries":[{"Id":"a","MessageBody":"\u0001"}]}`)
		var out struct{ Successful, Failed []any }
		if err := json.Unmarshal([]byte(r.body), &out); err != nil || out.Successful != nil || len(out.Failed) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
	})
}

func TestRequestsThatAreNoneGetASentence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		for _, try := range []struct {
			action, contentType, body string
			status                    int
			part                      string
		}{
			{"Fly", jsonType, "{}", 400, "The action Fly is not valid"},
			{"", jsonType, "{}", 400, "X-Amz-Target"},
			{"ListQueues", "application/json", "{}", 400, "Content-Type: application/x-amz-json-1.0"},
			{"", "application/x-www-form-urlencoded", "Action=ListQueues", 400, "<Code>UnsupportedProtocol</Code>"},
			{"SendMessage", jsonType, `{"QueueUrl":`, 400, "SerializationException"},
			{"SendMessage", jsonType, "", 400, "SerializationException"},
			{"SendMessage", jsonType, "[]", 400, "The value of the request is a JSON array"},
			{"SendMessage", jsonType, "{\"QueueUrl\":\"orders\",\"MessageBody\":\"\xff\"}", 400, "not valid UTF-8"},
			{"SendMessage", jsonType, `{"QueueUrl":7}`, 400, "QueueUrl is a JSON number"},
			{"ReceiveMessage", jsonType, `{"QueueUrl":"` + url + `","MaxNumberOfMessages":"ten"}`, 400, "MaxNumberOfMessages"},
			{"ReceiveMessage", jsonType, `{"QueueUrl":"` + url + `","MaxNumberOfMessages":0}`, 400, "InvalidParameterValue"},
			{"SendMessage", jsonType, `{"MessageBody":"m"}`, 400, "must contain the parameter QueueUrl"},
			{"SendMessage", jsonType, `{"QueueUrl":"` + url + `"}`, 400, "must contain the parameter MessageBody"},
			{"ChangeMessageVisibility", jsonType, `{"QueueUrl":"` + url + `","ReceiptHandle":"x"}`, 400, "VisibilityTimeout"},
			{"SetQueueAttributes", jsonType, `{"QueueUrl":"` + url + `"}`, 400, "Attributes"},
			{"SendMessage", jsonType, `{"MessageBody":"` + strings.Repeat("x", maxRequestBytes) + `"}`, 413, "16777216"},
		} {
			r := post(t, b.s, try.action, try.contentType, try.body)
			if r.status != try.status || !strings.Contains(r.body, try.part) {
				t.Errorf("%s %.60s: %d %s", try.action, try.body, r.status, r.body)
			}
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		w := httptest.NewRecorder()
		b.s.ServeHTTP(w, r)
		if w.Code != 400 || strings.Count(w.Body.String(), "\n") != 1 {
			t.Errorf("GET /: %d %s", w.Code, w.Body)
		}
	})
}

// A body of 1 MiB in which each character is escaped is six times as long on
// the wire.
func TestAnEscapedMebibyteFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		body := `{"QueueUrl":"` + url + `","MessageBody":"` + strings.Repeat(`\u0041`, 1<<20) + `"}`
		if r := post(t, b.s, "SendMessage", jsonType, body); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if got := b.receive(t, url); *got[0].Body != strings.Repeat("A", 1<<20) {
			t.Fatal("the body is another")
		}
	})
}

func TestTheTraceHeaderOfTheRequestIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{"QueueUrl":"`+url+`","MessageBody":"m"}`))
		r.Header.Set("Content-Type", jsonType)
		r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
		r.Header.Set("X-Amzn-Trace-Id", "Root=1-3152b799-8954dae64eda91bc9a23a7e8")
		b.s.ServeHTTP(httptest.NewRecorder(), r)
		if a := b.receive(t, url)[0].Attributes; a["AWSTraceHeader"] != "Root=1-3152b799-8954dae64eda91bc9a23a7e8" {
			t.Fatalf("attributes %v", a)
		}
	})
}

func TestTheSameSeedGivesTheSameAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := func(options ...Option) string {
			s := New(options...)
			defer s.Close()
			url, err := s.CreateQueue("orders", nil)
			wantNone(t, err)
			var script strings.Builder
			for _, step := range []string{
				`SendMessage {"QueueUrl":"` + url + `","MessageBody":"a"}`,
				`SendMessage {"QueueUrl":"` + url + `","MessageBody":"b"}`,
				`ReceiveMessage {"QueueUrl":"` + url + `","MaxNumberOfMessages":10,"AttributeNames":["All"]}`,
			} {
				action, body, _ := strings.Cut(step, " ")
				script.WriteString(post(t, s, action, jsonType, body).body)
			}
			return script.String()
		}
		first, again, other := play(WithSeed(7)), play(WithSeed(7)), play(WithSeed(8))
		if first != again {
			t.Fatalf("one seed, two stories:\n%s\n%s", first, again)
		}
		if random, more := play(), play(); first == other || random == more {
			t.Fatal("different seeds, one story")
		}
	})
}

// The parts that say nothing of the network are plain HTTP: a server on a real
// socket, a client that goes away in the middle of a long poll.
func TestAClientThatHangsUpLosesNoMessage(t *testing.T) {
	s := New()
	defer s.Close()
	url, err := s.CreateQueue("orders", nil)
	wantNone(t, err)
	server := httptest.NewServer(s)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"QueueUrl":"`+url+`","WaitTimeSeconds":20}`))
	wantNone(t, err)
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
	transport := &http.Transport{}
	answered := make(chan error, 1)
	go func() {
		answer, err := transport.RoundTrip(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		answered <- err
	}()
	waitFor(t, func() bool { return s.parked("orders") == 1 })
	server.CloseClientConnections()
	if err := <-answered; err == nil {
		t.Fatal("the client was answered")
	}
	waitFor(t, func() bool { return s.parked("orders") == 0 })
	post(t, s, "SendMessage", jsonType, `{"QueueUrl":"`+url+`","MessageBody":"m"}`)
	if visible, inFlight, _, _ := s.Depth("orders"); visible != 1 || inFlight != 0 {
		t.Fatalf("%d visible, %d in flight", visible, inFlight)
	}
	transport.CloseIdleConnections()
}

// parked is how many long polls wait for messages of a queue.
func (s *Server) parked(name string) int {
	now := s.lock()
	defer s.unlock(now)
	return len(s.queues[name].waiters)
}

// waitFor waits for what another goroutine is about to do, off the bubble.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	t.Fatal("it never came to pass")
}
