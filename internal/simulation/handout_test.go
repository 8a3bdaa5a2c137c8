package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"
)

// ask has the embedded server answer one request.
func (w *world) ask(ctx context.Context, url, action string, body []byte) answer {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	rec := httptest.NewRecorder()
	w.sqs.ServeHTTP(rec, r)
	header := rec.Header()
	header.Del("Content-Length")
	return answer{status: rec.Code, header: header, body: rec.Body.Bytes()}
}

// handOut records what a receive was given, and draws which of it is stolen.
func (w *world) handOut(c *sqsCall, a answer, how string) {
	var read wireAnswer
	if a.status != http.StatusOK || len(a.body) == 0 || json.Unmarshal(a.body, &read) != nil {
		return
	}
	x := &execution{at: a.served, call: c}
	w.mu.Lock()
	for _, m := range read.Messages {
		n := w.messages[m.MessageID]
		h, again := w.handles[m.ReceiptHandle] // a FIFO receive repeats its attempt
		if !again {
			w.receives[n]++
			h = handle{n, w.receives[n]}
			w.handles[m.ReceiptHandle] = h
		}
		x.items = append(x.items, entry{handle: h})
		d := w.plan.dice.of("steal", h.message, h.receive)
		if c != nil && !again && a.served < w.plan.trouble && d.chance(w.plan.odds.stolen) {
			w.work.Go(func() { w.steal(d, c.queue, h, m.ReceiptHandle) })
		}
	}
	w.mu.Unlock()
	if len(x.items) > 0 {
		w.evidence.executes(x, how)
	}
}

// handedOut is what an answer brings to a process.
func (w *world) handedOut(read wireAnswer, served instant) []handed {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []handed
	for _, m := range read.Messages {
		h := handed{handle: w.handles[m.ReceiptHandle], served: served}
		_, _ = fmt.Sscan(m.Attributes["ApproximateReceiveCount"], &h.count)
		all = append(all, h)
	}
	return all
}

// steal makes a message visible again although somebody has it in hand, and may let a rival
// receive it who does nothing with it.
func (w *world) steal(d dice, queue int, h handle, receipt string) {
	q := &w.plan.queues[queue]
	time.Sleep(d.of("when").between(0, q.shortest()))
	now := w.now()
	if now >= w.plan.trouble {
		return
	}
	url := w.urls[queue]
	body := fmt.Appendf(nil, `{"QueueUrl":%q,"ReceiptHandle":%q,"VisibilityTimeout":0}`, url, receipt)
	if a := w.ask(w.ctx, url, "ChangeMessageVisibility", body); a.status != http.StatusOK {
		return // it is settled, or somebody else's
	}
	w.evidence.mu.Lock()
	w.evidence.steals = append(w.evidence.steals, steal{now, h})
	w.evidence.say(now, rankWorld, "world  m%d/r%d is visible again by itself", h.message, h.receive)
	w.evidence.mu.Unlock()
	if !w.plan.odds.rival {
		return
	}
	body = fmt.Appendf(nil, `{"QueueUrl":%q,"WaitTimeSeconds":0,"VisibilityTimeout":%d,"MaxNumberOfMessages":1}`, url, d.of("rival").from(2, 20))
	a := w.ask(w.ctx, url, "ReceiveMessage", body)
	a.served = now
	w.handOut(nil, a, "")
}
