package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

const (
	idleTail = time.Hour
	// breath is between a look at a process and what is done to it: net/http's server
	// keeps the connection for half a second, and would wait for it by chance.
	breath = 600 * time.Millisecond
)

// world is one seed being played. It lives in a bubble.
type world struct {
	plan      *scenario
	begun     time.Time
	ctx       context.Context //nolint:containedctx // the world's life is the bubble's
	end       context.CancelFunc
	sqs       *localsqs.Server
	urls      []string
	targets   []*target
	work      sync.WaitGroup
	evidence  evidence
	daemonLog io.Writer // nil: none is kept

	mu       sync.Mutex // guards what follows
	messages map[string]int
	ids      []string // by message
	receives map[int]int
	handles  map[string]handle
	faults   []string // what went wrong in a way that needs no judge

	beside  func()         // runs beside all that happens, if set
	healed  instant        // when all queues were empty; never if they were not
	idled   instant        // the begin of an idle time, in calm seeds; else never
	stopped instant        // when all processes had ended
	tally   map[string]int // what the judge has counted
	dead    map[int]bool   // in a dead-letter queue at the end
}

func newWorld(s *scenario) *world {
	return &world{
		plan: s, healed: never, idled: never,
		messages: make(map[string]int), receives: make(map[int]int), handles: make(map[string]handle),
		ids: make([]string, len(s.sends)), dead: make(map[int]bool), tally: make(map[string]int),
	}
}

func (w *world) now() instant { return time.Since(w.begun) }

// wrong notes something that must not happen in any seed.
func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

func (w *world) messageOf(id string) (int, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, ok := w.messages[id]
	return n, ok
}

// queueOf returns the queue of a URL or name, -1 for a dead-letter queue.
func (w *world) queueOf(url string) int {
	for i := range w.plan.queues {
		if url == w.urls[i] || url == w.plan.queues[i].name {
			return i
		}
	}
	return -1 // a dead-letter queue, to which the worker sends what is rejected
}

// run plays the seed to its end.
func (w *world) run(ctx context.Context) {
	w.ctx, w.end = context.WithCancel(ctx)
	w.begun = time.Now()
	w.sqs = localsqs.New(localsqs.WithSeed(w.plan.seed))
	w.createQueues()
	for i := range w.plan.targets {
		w.targets = append(w.targets, newTarget(w, i))
	}
	w.work.Go(w.sendAll)
	if w.beside != nil {
		w.work.Go(w.beside)
	}
	for i := range w.plan.queues {
		w.work.Go(func() { w.operate(i) })
	}

	last := make([]*process, len(w.plan.replicas))
	var replicas sync.WaitGroup
	for i := range w.plan.replicas {
		replicas.Go(func() { last[i] = w.replica(i) }) //nolint:contextcheck // the world's own, which start takes
	}
	replicas.Wait()
	w.until(max(w.plan.trouble, w.plan.sends[len(w.plan.sends)-1].at+breath))
	w.evidence.happens(w.now(), "the trouble is over")
	w.heal(last)
	if w.plan.calm && w.healed != never {
		w.until(w.now() + 6*time.Minute)
		w.idled = w.now()
		w.until(w.idled + idleTail)
	}
	for _, p := range last {
		w.check(p)
		w.until(w.now() + breath)
		p.stop()
	}
	w.stopped = w.now()
	w.lookBack()
	for _, t := range w.targets {
		_ = t.server.Close()
	}
	w.sqs.Close()
	w.end()
	w.work.Wait()
}

// until sleeps until that time.
func (w *world) until(at instant) { time.Sleep(at - w.now()) }

func (w *world) createQueues() {
	for i := range w.plan.queues {
		q := &w.plan.queues[i]
		attributes := q.attributes(q.visibility, q.maxReceives)
		dead := map[string]string{}
		if q.fifo {
			attributes["FifoQueue"], dead["FifoQueue"] = "true", "true"
		}
		if q.maxReceives > 0 {
			if _, err := w.sqs.CreateQueue(q.deadName(), dead); err != nil {
				w.wrong("%v", err)
			}
		}
		url, err := w.sqs.CreateQueue(q.name, attributes)
		if err != nil {
			w.wrong("%v", err)
		}
		w.urls = append(w.urls, url)
	}
}

// attributes are those that an operator may change.
func (q *queuePlan) attributes(visibility time.Duration, maxReceives int) map[string]string {
	attributes := map[string]string{"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds()))}
	if maxReceives > 0 {
		attributes["RedrivePolicy"] = fmt.Sprintf(
			`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`, q.deadName(), maxReceives)
	}
	return attributes
}

// operate changes a queue's attributes.
func (w *world) operate(queue int) {
	q := &w.plan.queues[queue]
	for _, c := range q.changes {
		w.until(c.at)
		body, _ := json.Marshal(map[string]any{"QueueUrl": w.urls[queue], "Attributes": q.attributes(c.visibility, c.maxReceives)})
		if a := w.ask(w.ctx, w.urls[queue], "SetQueueAttributes", body); a.status != http.StatusOK {
			w.wrong("q%d could not be changed: %s", queue, a.body)
		}
		w.evidence.happens(w.now(), "q%d has a visibility of %v and %d receives", queue, c.visibility, c.maxReceives)
	}
}

// sendAll puts the messages into their queues at their times.
func (w *world) sendAll() {
	for n, p := range w.plan.sends {
		w.until(p.at)
		draft := map[string]any{"QueueUrl": w.urls[p.queue], "MessageBody": bodyOf(n, p.size)}
		if p.attributes > 0 {
			draft["MessageAttributes"] = map[string]any{"pad": map[string]string{"DataType": "String", "StringValue": strings.Repeat("x", p.attributes)}}
		}
		if w.plan.queues[p.queue].fifo {
			draft["MessageGroupId"], draft["MessageDeduplicationId"] = p.group, strconv.Itoa(n)
		}
		body, _ := json.Marshal(draft)
		w.mu.Lock() // whoever receives it finds it in the index
		a := w.ask(w.ctx, w.urls[p.queue], "SendMessage", body)
		var sent struct {
			MessageID string `json:"MessageId"`
		}
		err := json.Unmarshal(a.body, &sent)
		w.messages[sent.MessageID] = n
		w.ids[n] = sent.MessageID
		w.mu.Unlock()
		if err != nil || a.status != http.StatusOK {
			w.wrong("a send failed: %s", a.body)
		}
		w.evidence.happens(w.now(), "m%d is sent to q%d, group %s", n, p.queue, p.group)
	}
}

// replica makes the moves of one replica, and returns its last process, which is running.
func (w *world) replica(number int) *process {
	plan := &w.plan.replicas[number]
	var limits []ratelimit.Limits
	for _, t := range w.plan.targets {
		limits = append(limits, t.limits)
	}
	w.until(plan.start)
	generation := 1
	p := w.start(number, generation, limits)
	for _, m := range plan.moves {
		w.until(m.at - breath)
		w.check(p)
		w.until(max(m.at, w.now()+breath))
		if m.kind == stand {
			p.stand(m.gap)
			continue
		}
		switch m.kind {
		case reload:
			p.reload(m.limits)
			continue
		case stop:
			p.stop()
		case kill:
			p.kill()
		}
		w.until(w.now() + m.gap)
		generation++
		p = w.start(number, generation, p.limits)
	}
	return p
}

// check asks a process for its health: whatever SQS and the target do, it is healthy.
func (w *world) check(p *process) {
	select {
	case <-p.ended:
		w.wrong("%s has ended by itself: %v", p.name, p.err)
	default:
		if err := p.healthy(); err != nil {
			w.wrong("%s is not healthy at %v: %v", p.name, w.now(), err)
		}
	}
}

// heal waits until all queues are empty.
func (w *world) heal(last []*process) {
	for _, p := range last {
		limits := make([]ratelimit.Limits, len(p.limits))
		for i, t := range w.plan.targets {
			limits[i] = healthy(t.limits)
		}
		p.reload(limits)
	}
	for deadline := w.now() + w.plan.healing; w.now() < deadline; w.until(w.now() + time.Second) {
		if w.empty() {
			w.mu.Lock()
			w.healed = w.now()
			w.mu.Unlock()
			w.evidence.happens(w.healed, "all queues are empty")
			return
		}
	}
}

func (w *world) empty() bool {
	for _, q := range w.plan.queues {
		visible, inFlight, delayed, _ := w.sqs.Depth(q.name)
		if visible+inFlight+delayed > 0 {
			return false
		}
	}
	return true
}

// lookBack looks into the dead-letter queues.
func (w *world) lookBack() {
	for _, q := range w.plan.queues {
		if q.maxReceives == 0 {
			continue
		}
		url := "http://localsqs/000000000000/" + q.deadName()
		for {
			a := w.ask(w.ctx, url, "ReceiveMessage", fmt.Appendf(nil,
				`{"QueueUrl":%q,"MaxNumberOfMessages":10,"WaitTimeSeconds":0,"VisibilityTimeout":43200}`, url))
			var read wireAnswer
			if json.Unmarshal(a.body, &read) != nil || len(read.Messages) == 0 {
				break
			}
			for _, m := range read.Messages {
				n, ok := w.messages[m.MessageID]
				if !ok { // the worker has sent it there: it has another id
					_, _ = fmt.Sscanf(m.Body, `{"message":%d`, &n)
				}
				w.dead[n] = true
				// A FIFO queue hands out no more of a group while some of it is in flight.
				w.ask(w.ctx, url, "DeleteMessage", fmt.Appendf(nil, `{"QueueUrl":%q,"ReceiptHandle":%q}`, url, m.ReceiptHandle))
			}
		}
	}
}
