package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	errConnection = errors.New("the connection was reset")
	errKilled     = errors.New("the process is dead")
)

// front stands between one process and SQS. It is the process's HTTP client.
type front struct {
	world *world
	by    *process
}

// answer is what goes back to the process.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
	served instant
}

// Do carries one request.
func (f *front) Do(r *http.Request) (*http.Response, error) { //nolint:contextcheck // a request that is given up may still reach the server
	if f.by.isDead() {
		return nil, errKilled
	}
	w := f.world
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c, request, err := f.read(r, body)
	if err != nil {
		return nil, err
	}
	w.evidence.calling(c)

	server, gone := context.WithCancel(w.ctx)
	came := make(chan answer, 1)
	w.work.Go(func() {
		defer gone()
		f.carry(server, r, c, request, body, came)
	})
	select {
	case a := <-came:
		if still := f.by.standsFor(); still > 0 {
			c.stood = true
			time.Sleep(still)
		}
		if f.by.isDead() {
			return nil, errKilled
		}
		return f.hand(c, r, a)
	case <-r.Context().Done():
		// Calls that began at the same instant would time out at the same instant. Here they
		// end one after another, so that what follows has an order.
		time.Sleep(c.gaveUp)
		err = r.Context().Err()
		w.evidence.gaveUp(c, w.now())
	case <-f.by.cut:
		err = errKilled
	}
	if c.fate.notices {
		gone()
	}
	return nil, err
}

// read finds out what is asked, and what becomes of it.
func (f *front) read(r *http.Request, body []byte) (*sqsCall, *wire, error) {
	w, now := f.world, f.world.now()
	request := new(wire)
	if err := json.Unmarshal(body, request); err != nil {
		return nil, nil, err
	}
	c := &sqsCall{
		by: f.by, sent: now, came: never, asked: request.MaxNumberOfMessages,
		visibility: time.Duration(request.VisibilityTimeout) * time.Second, attempt: request.Attempt,
		action: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."),
		queue:  w.queueOf(request.QueueURL + request.QueueName),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	first := -1
	settles := c.queue >= 0
	if !settles {
		first = w.messageIn(request.Entries)
	}
	for i, e := range request.Entries {
		if !settles {
			break // of what goes to a dead-letter queue
		}
		h, ok := w.handles[e.ReceiptHandle]
		if !ok {
			return nil, nil, fmt.Errorf("%s with a handle that nobody was given", c.action)
		}
		one := entry{handle: h}
		if e.VisibilityTimeout != nil {
			one.seconds = *e.VisibilityTimeout
		}
		c.entries = append(c.entries, one)
		if i == 0 {
			first = h.message
		}
	}
	// Receives that go out at the same instant and ask for the same are interchangeable: it
	// does not matter which is which.
	name := "call " + c.action
	if c.action == "ReceiveMessage" {
		name += fmt.Sprintf(" of %d %s", c.asked, c.attempt)
	}
	key := fmt.Sprintf("%s %d %d", name, c.queue, first)
	n := f.by.counts[key]
	f.by.counts[key] = n + 1
	d := w.plan.dice.of(name, f.by.number, c.queue, first, n)
	c.gaveUp = d.of("gives up").between(0, 500*time.Microsecond)
	c.fate = w.plan.fateOf(d, now)
	w.plan.wideFate(d, c, &c.fate)
	c.held = f.by.standsFor()
	c.fate.before += c.held
	if now < w.plan.trouble {
		for i := range c.entries {
			e := &c.entries[i]
			key := fmt.Sprintf("%s m%d", c.action, e.message)
			k := f.by.counts[key]
			f.by.counts[key] = k + 1
			e.skipped = w.plan.dice.of("entry "+c.action, f.by.number, e.message, k).chance(w.plan.odds.entryFails)
		}
	}
	return c, request, nil
}

// messageIn is the first of the messages that a worker sends to a dead-letter queue; -1 if
// there is none.
func (w *world) messageIn(entries []wireEntry) int {
	if len(entries) == 0 {
		return -1
	}
	return numberIn(entries[0].MessageBody)
}

// numberIn is the number of the message with this body; -1 if it has none.
func numberIn(body string) int {
	n := -1
	_, _ = fmt.Sscanf(body, `{"message":%d`, &n)
	return n
}

// carry takes a request to SQS and its answer back.
func (f *front) carry(server context.Context, r *http.Request, c *sqsCall, request *wire, body []byte, came chan<- answer) {
	time.Sleep(c.fate.before)
	if f.by.isDead() || c.held > 0 && r.Context().Err() != nil {
		return // it never left the process
	}
	switch c.fate.kind {
	case refused:
		came <- answer{err: errConnection}
		return
	case silent:
		return
	case throttled:
		time.Sleep(c.fate.after)
		came <- failure(http.StatusBadRequest, "com.amazonaws.sqs#RequestThrottled", "RequestThrottled;Sender")
		return
	case internal:
		time.Sleep(c.fate.after)
		came <- failure(http.StatusInternalServerError, "com.amazon.coral.service#InternalFailure", "InternalFailure;Receiver")
		return
	case refusedByIAM:
		time.Sleep(c.fate.after)
		came <- failure(http.StatusForbidden, "com.amazon.coral.service#AccessDeniedException", "AccessDenied;Sender")
		return
	case plain, lostAnswer, lostSilently, twice:
	}
	a := f.execute(server, r, c, request, body, c.fate.kind.String())
	if c.fate.kind == twice {
		time.Sleep(c.fate.again)
		if second := f.execute(server, r, c, request, body, "again"); c.fate.notices {
			a = second // the first answer is lost
		}
	}
	time.Sleep(c.fate.after)
	switch c.fate.kind {
	case lostAnswer:
		came <- answer{err: errConnection}
	case lostSilently:
	default:
		came <- a
	}
}

// execute makes SQS do what is asked, and records what it did.
func (f *front) execute(server context.Context, r *http.Request, c *sqsCall, request *wire, body []byte, how string) answer {
	changed := *request
	switch {
	case c.action == "ReceiveMessage" && c.fate.short > 0 && c.fate.short < c.asked:
		body = bytes.Replace(body, fmt.Appendf(nil, `"MaxNumberOfMessages":%d`, c.asked),
			fmt.Appendf(nil, `"MaxNumberOfMessages":%d`, c.fate.short), 1)
	case len(c.entries) > 0:
		changed.Entries = nil
		for i, e := range request.Entries {
			if !c.entries[i].skipped {
				changed.Entries = append(changed.Entries, e)
			}
		}
		body, _ = json.Marshal(changed)
	}
	a := answer{status: http.StatusOK, header: http.Header{}, body: []byte("{}")}
	send := func(body []byte) answer { return f.world.ask(server, r.URL.String(), c.action, body) }
	if c.refused = f.world.plan.refusedLetters(c, request); len(c.refused) > 0 {
		a = sendLetters(body, c.refused, send)
	} else if len(c.entries) == 0 || len(changed.Entries) > 0 {
		a = send(body)
	}
	a.served = f.world.now()
	if len(c.entries) > 0 {
		a.body = f.settled(c, request, a, how)
	} else if c.action == "ReceiveMessage" {
		f.world.handOut(c, a, how)
	}
	return a
}

// settled records what became of a batch, and adds to the answer the entries that were
// made to fail.
func (f *front) settled(c *sqsCall, request *wire, a answer, how string) []byte {
	if a.status != http.StatusOK {
		return a.body
	}
	var read wireAnswer
	_ = json.Unmarshal(a.body, &read)
	codes := make(map[string]string)
	for _, failed := range read.Failed {
		codes[failed.ID] = failed.Code
	}
	x := &execution{at: a.served, call: c}
	for i, e := range c.entries {
		id := request.Entries[i].ID
		e.code = codes[id]
		if e.skipped {
			e.code = "InternalError"
			read.Failed = append(read.Failed, wireFailure{ID: id, Code: e.code, Message: "We encountered an internal error."})
		}
		x.items = append(x.items, e)
	}
	f.world.evidence.executes(x, how)
	body, _ := json.Marshal(map[string]any{"Successful": read.Successful, "Failed": read.Failed})
	return body
}

// hand gives the process its answer, and records that it arrived.
func (f *front) hand(c *sqsCall, r *http.Request, a answer) (*http.Response, error) {
	now := f.world.now()
	if a.err != nil {
		f.world.evidence.answered(c, now, "no connection", nil, nil)
		return nil, a.err
	}
	told := ""
	codes := make(map[int]string)
	var brought []handed
	var read wireAnswer
	if a.status != http.StatusOK {
		told = a.header.Get("X-Amzn-Query-Error")
	} else if err := json.Unmarshal(a.body, &read); err == nil {
		for _, failed := range read.Failed {
			i := strings.IndexByte("0123456789", failed.ID[0]) // the index is the id, see package queue
			codes[i] = failed.Code
		}
		brought = f.world.handedOut(read, a.served)
		if v, err := strconv.Atoi(read.Attributes["VisibilityTimeout"]); err == nil {
			c.visibility = time.Duration(v) * time.Second
			_, most, _ := strings.Cut(read.Attributes["RedrivePolicy"], `"maxReceiveCount":`)
			_, _ = fmt.Sscan(strings.TrimSuffix(most, "}"), &c.maxReceives)
		}
	}
	f.world.evidence.answered(c, now, told, codes, brought)
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Header: a.header, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

func failure(status int, shape, query string) answer {
	return answer{
		status: status,
		header: http.Header{
			"Content-Type":       {"application/x-amz-json-1.0"},
			"X-Amzn-Query-Error": {query},
			"Date":               {time.Now().UTC().Format(http.TimeFormat)},
		},
		body: fmt.Appendf(nil, `{"__type":%q,"message":"no"}`, shape),
	}
}
