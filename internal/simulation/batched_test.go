package simulation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// batchPlan is how a target takes several messages in one request.
type batchPlan struct {
	format string // lambda or cloudevents
	most   int
	wait   time.Duration
	names  bool    // its answer names those that failed; else the request fails as a whole
	stops  bool    // on a FIFO queue, at the first that fails: it names the rest as well
	fails  float64 // of the batches, as a whole, by nobody's fault
	absurd float64 // of the answers that say nonsense
	alone  bool    // nothing else is wrong: a message alone gets no nonsense
}

func (t *targetPlan) format() string {
	if t.batch == nil {
		return "raw"
	}
	return t.batch.format
}

func (t *targetPlan) batchSize() int {
	if t.batch == nil {
		return 1
	}
	return t.batch.most
}

func (t *targetPlan) batchWait() time.Duration {
	if t.batch == nil {
		return 0
	}
	return t.batch.wait
}

// drawBatched makes the targets of worlds about batches, and of some others, take batches. It
// has a die of its own, so that all other worlds stay as they were. If refusals of single
// messages are all that goes wrong, there are no batches. A world about batches may have a
// tenant because of whom the target refuses whole requests.
func (s *scenario) drawBatched(d dice) {
	w := s.wide
	if w.kind != batches && (s.refusesAlone() != nil || !d.of("beside?").chance(0.25)) {
		return
	}
	if tenant := d.of("tenant"); w.kind == batches && w.alone && tenant.chance(0.4) {
		w.refusals = &refusals{
			share: pick(tenant.of("share"), 0.01, 0.03, 0.1), status: pick(tenant.of("status"), 429, 429, 503), always: true,
			retryAfter: pick(tenant.of("retry after"), 0, 0, 2*time.Second, 20*time.Second),
		}
	}
	for i := range s.targets {
		d := d.of("target", i)
		s.targets[i].batch = &batchPlan{
			format: pick(d.of("format"), "lambda", "cloudevents"),
			most:   pick(d.of("most"), 2, 3, 10, 10, 25, 100),
			wait:   pick(d.of("wait"), 0, 0, 50*time.Millisecond, time.Second, 5*time.Second),
			names:  d.of("names").chance(0.7),
			stops:  d.of("stops").chance(0.7),
			fails:  pick(d.of("fails"), 0, 0, 0.02, 0.1),
			absurd: pick(d.of("absurd"), 0, 0.02, 0.2),
			alone:  w.alone,
		}
		if p := s.targets[i].batch; w.kind == batches && w.refusals != nil && w.alone {
			p.names, p.fails, p.absurd = false, 0, 0
		}
	}
}

// arriveBatch reads a batch, or one message in the shape of one.
func (t *target) arriveBatch(by *process, body []byte, err error) (*request, error) {
	q := new(request)
	if err != nil {
		return q, err
	}
	var parcels []parcel
	if t.plan.batch.format == "lambda" {
		var event struct {
			Records []struct {
				MessageID  string `json:"messageId"`
				Body       string `json:"body"`
				Attributes struct {
					Count int `json:"ApproximateReceiveCount,string"`
				} `json:"attributes"`
			}
		}
		err = json.Unmarshal(body, &event)
		for _, e := range event.Records {
			parcels = append(parcels, parcel{e.MessageID, e.Attributes.Count, e.Body})
		}
	} else {
		var events []struct {
			ID    string          `json:"id"`
			Data  json.RawMessage `json:"data"`
			Count int             `json:"receivecount"`
		}
		err = json.Unmarshal(body, &events)
		for _, e := range events {
			parcels = append(parcels, parcel{e.ID, e.Count, string(e.Data)})
		}
	}
	if err != nil || len(parcels) == 0 {
		t.world.wrong("a target got a batch that it cannot read: %v: %.100q", err, body)
	}
	for _, p := range parcels {
		t.carries(q, by, p, false)
	}
	return q, nil
}

// batchAnswer is what a target says of the messages of a request with a status of 2xx.
type batchAnswer struct {
	body   string
	header string // says that the function failed, if set
	failed []bool // by message, as the worker has to understand it; nil: none
	whole  bool   // it has to take all for failed
	what   string // nonsense, or "" for none
}

// turnOfBatch draws how a request ends whose first message would end in the given way if it
// were alone.
func (t *target) turnOfBatch(by *process, q *request, first turn) turn {
	p, plan := t.plan.batch, t.world.plan
	f := turn{before: first.before, after: first.after, status: http.StatusOK, answer: new(batchAnswer)}
	bad := make([]bool, len(q.all))
	n := 0
	var one turn // of those that failed
	for i, d := range q.all {
		turn := first
		if i > 0 {
			turn = t.turn(by, d)
		}
		f.before, f.after = max(f.before, turn.before), max(f.after, turn.after)
		if turn.how != "" {
			turn.before, turn.after = f.before, f.after
			return turn // it takes the others with it
		}
		if turn.status/100 != 2 {
			if bad[i] = true; n == 0 {
				one = turn
			}
			n++
		}
	}
	d := plan.dice.of("batch", t.number, by.number, q.all[0].message, q.all[0].number)
	trouble := q.all[0].arrived < plan.trouble
	a := f.answer
	switch {
	case n == len(bad) && (n > 1 || !p.names), n > 0 && !p.names:
		f.status, f.retryAfter = t.plan.batch.status(one.status), one.retryAfter
		if d.of("by error").chance(0.5) && f.status/100 == 5 {
			t.functionError(d, &f)
		}
		return f
	case trouble && len(bad) > 1 && d.of("fails").chance(p.fails):
		f.status, f.retryAfter = pick(d.of("status"), 500, 503, 429, 422), pick(d.of("retry after"), 0, 2)
		if d.of("by error").chance(0.5) {
			t.functionError(d, &f)
		}
		return f
	}
	if fifo := plan.queues[plan.sends[q.all[0].message].queue].fifo; fifo && p.stops && n > 0 {
		for i := slices.Index(bad, true); i < len(bad); i++ {
			bad[i] = true
		}
	}
	a.name(t, d, q, bad, n)
	if trouble && d.of("absurd").chance(p.absurd) && (len(bad) > 1 || !p.alone) {
		a.absurd(t, d, q, bad, n)
	}
	return f
}

// status returns the status of a failure. Some statuses that normally reject a message are
// Lambda's own, and mean that something is wrong with the function.
func (p *batchPlan) status(of int) int {
	if p.format == "lambda" && slices.Contains([]int{400, 409, 410}, of) {
		return 422
	}
	return of
}

// functionError makes the answer that of a function that failed.
func (t *target) functionError(d dice, f *turn) {
	if t.plan.batch.format != "lambda" {
		return
	}
	f.status, f.retryAfter, f.answer.whole = http.StatusOK, 0, true
	f.answer.body = `{"errorMessage":"no","errorType":"Error","stackTrace":[]}`
	if d.of("says so").chance(0.7) { // else it is the runtime interface emulator
		f.answer.header = "Unhandled"
	}
}

// name makes the answer name those that failed.
func (a *batchAnswer) name(t *target, d dice, q *request, bad []bool, n int) {
	if n == 0 {
		a.body = pick(d.of("none failed"), "", "null", "{}", `{"batchItemFailures":[]}`, ` {"batchItemFailures":null,"more":[1,{"a":2}]}`)
		return
	}
	a.failed = bad
	a.body = list(t.named(q, bad))
}

// named are the ids of those that failed.
func (t *target) named(q *request, bad []bool) []string {
	var ids []string
	for i, d := range q.all {
		if bad[i] {
			ids = append(ids, t.world.ids[d.message])
		}
	}
	return ids
}

func list(ids []string) string {
	var b strings.Builder
	b.WriteString(`{"batchItemFailures":[`)
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"itemIdentifier":%q}`, id)
	}
	b.WriteString("]}")
	return b.String()
}

// maxAnswer is how long a function's answer may be.
const maxAnswer = 6 << 20

// absurd makes the answer malformed, or untrue.
func (a *batchAnswer) absurd(t *target, d dice, q *request, bad []bool, n int) {
	ids := t.named(q, bad)
	whole := func(what, body string) { *a = batchAnswer{what: what, body: body, whole: true} }
	switch kind := d.of("kind").upTo(20); {
	case n > 0 && kind < 5:
		a.what, a.body = "named twice", list(slices.Concat(ids, ids))
	case n > 0 && kind < 10:
		*a = batchAnswer{what: "failed and not named", body: pick(d.of("instead"), "", "{}", `{"batchItemFailures":[]}`)}
	case kind < 12:
		whole("others are named", list(append(ids, pick(d.of("other"), "", "some-other-id", strings.Repeat("x", 5000)))))
	case kind < 15:
		whole("answer is no JSON", pick(d.of("instead"), "<html>", "{", `{"batchItemFailures":[}`, `{"batchItemFailures":[{}]}`, `{"batchItemFailures":7}`))
	case kind < 18:
		whole("deep answer", strings.Repeat(`{"a":`, 10_000)+"1"+strings.Repeat("}", 10_000))
	case kind < 19:
		whole("100,000 are named", list(slices.Repeat([]string{"some-other-id"}, 100_000)))
	default:
		whole("huge answer", `{"batchItemFailures":[],"pad":"`+strings.Repeat("x", maxAnswer)+`"}`)
	}
}

// end gives the answer, and notes what it says of each message.
func (a *batchAnswer) end(t *target, q *request, r *http.Request, w http.ResponseWriter) {
	if r.Context().Err() != nil {
		t.end(q, r, 0, "gone")
		return
	}
	q.absurd, q.whole = a.what, a.whole
	fifo := t.world.plan.queues[t.world.plan.sends[q.all[0].message].queue].fifo
	q.stopped = fifo && !a.whole && count(a.failed) > 1
	for i, d := range q.all {
		status := http.StatusOK
		if a.whole || a.failed != nil && a.failed[i] {
			status = http.StatusInternalServerError
		}
		t.world.evidence.ends(d, t.world.now(), status, "")
	}
	w.Header().Set("Content-Type", "application/json")
	if a.header != "" {
		w.Header().Set("X-Amz-Function-Error", a.header)
	}
	_, _ = w.Write([]byte(a.body))
}

func count(failed []bool) int {
	n := 0
	for _, f := range failed {
		if f {
			n++
		}
	}
	return n
}

// countBatch counts what becomes of a request that may carry several, once.
func (t *trial) countBatch(d *delivery, add func(string, bool)) {
	p, q := t.plan.targets[d.target].batch, d.request
	if p == nil || !d.leads() {
		return
	}
	if q.absurd != "" {
		add("batch: "+q.absurd, true)
	}
	if len(q.all) < 2 {
		return
	}
	add("batch: "+p.format, true)
	add("batch: full", len(q.all) == p.most)
	add("batch: waits for more", p.wait > 0)
	add("batch: fails as a whole", q.whole)
	add("batch: stops at the first that fails", q.stopped)
	add("batch: refused for one's sake", t.plan.wide != nil && !t.plan.refuses(q.all[0].message) && q.all[0].refusedAlone())
	add("batch: some are named", !q.whole && slices.ContainsFunc(q.all, func(d *delivery) bool { return d.status == http.StatusInternalServerError }))
}
