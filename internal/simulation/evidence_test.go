package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// instant is a time since the world's start; never is none.
type instant = time.Duration

const never instant = -1

// evidence is what the servers have seen, and what was done to the processes. The
// judge has nothing else.
type evidence struct {
	mu         sync.Mutex // guards what follows
	calls      []*sqsCall
	executed   []*execution
	deliveries []*delivery
	steals     []steal
	processes  []*process
	lines      []line
}

// sqsCall is one request of a process to SQS, as the process sees it.
type sqsCall struct {
	by      *process
	queue   int
	action  string
	sent    instant
	came    instant // the answer, or the error; never: the process gave up before
	told    string  // the error that the process was told; "" for an answer
	fate    fate
	held    time.Duration // by a standstill of its process, before it left
	stood   bool          // the process stood still as the answer came
	gaveUp  time.Duration // after its time-out, if it is given up
	asked   int
	attempt string // of a FIFO queue's receive
	// visibility is what a receive asks for, and what the answer to GetQueueAttributes
	// says; maxReceives the latter alone.
	visibility  time.Duration
	maxReceives int
	entries     []entry       // of a settle or extension
	brought     []handed      // by a receive whose answer came
	refused     []wireFailure // of what goes to a dead-letter queue
}

// entry is one message in a batch.
type entry struct {
	handle
	seconds int    // of visibility
	code    string // what the process was told of it, when the call had an answer; "" is success
	skipped bool   // the entry was made to fail before SQS saw it
}

// handle is the right to one receive of a message, and which of its receives that
// was.
type handle struct {
	message int
	receive int
}

type handed struct {
	handle
	served instant
	count  int
}

// execution is what SQS did, when it did it.
type execution struct {
	at    instant
	call  *sqsCall // nil: the world's own receive for a rival
	items []entry  // for receives: what was handed out
}

// steal is a message made visible again although somebody has it in hand.
type steal struct {
	at instant
	handle
}

// request is what one request carries: one message, or a batch.
type request struct {
	all     []*delivery
	whole   bool // it failed as a whole: nobody knows whose fault it was
	stopped bool // at the first that failed: of those named nobody knows whose fault it was
	// absurd is the kind of nonsense in its answer.
	absurd string
}

// delivery is one message's part in a request that reached a target, or a connection that
// the target refused.
type delivery struct {
	request *request // nil: it is alone
	by      *process
	target  int
	message int // -1 of a refused connect
	number  int // the process's n-th delivery of this message
	count   int // X-Poller-Receive-Count
	arrived instant
	ended   instant // never: it still runs
	status  int     // 0: there was no whole answer, but how
	how     string
	// retryAfter is what the answer asked for, in seconds.
	retryAfter int
	// limited: the target refused it as one too many in its window; told is what the answer
	// says about that limit, nil if nothing credible.
	limited bool
	told    *told
	// crowded: there were too many simultaneously; waited is how long it waited for a server.
	crowded bool
	waited  time.Duration
}

func (d *delivery) delivered() bool { return d.ended != never && d.status/100 == 2 }

// inBatch reports whether others were in its request.
func (d *delivery) inBatch() bool { return d.request != nil && len(d.request.all) > 1 }

// leads reports whether it is the one that its request is counted by.
func (d *delivery) leads() bool { return d.request == nil || d.request.all[0] == d }

// dissolved reports whether it failed together with others in its request.
func (d *delivery) dissolved() bool {
	return d.inBatch() && (d.request.whole || d.request.stopped && !d.delivered())
}

// unseen reports whether its process stood still when it ended, and so may have taken it for
// a timeout.
func (d *delivery) unseen() bool { return d.ended != never && d.by.standsIn(d.ended, d.ended) }

// rejected reports whether the answer says that the target does not want the message.
func (d *delivery) rejected() bool {
	if d.dissolved() {
		return false // it is tried alone
	}
	switch d.status {
	case 401, 403, 404, 405, 407, 408, 421, 425, 429:
		return false
	default:
		return d.status/100 == 4
	}
}

// provable reports whether a failed try may be proven to be the message's fault. A 429, a failed
// connection, and what failed together with others never are.
func (d *delivery) provable() bool {
	return !d.delivered() && !d.rejected() && d.status != 429 && !d.dissolved()
}

// pace is the limits of a target from a time on.
type pace struct {
	from   instant
	limits ratelimit.Limits
}

// line is one line of the servers' log.
type line struct {
	at   instant
	rank int // of what happens at one instant: what gives before what takes
	text string
}

// say writes a line. The mutex is held.
func (e *evidence) say(at instant, rank int, format string, args ...any) {
	e.lines = append(e.lines, line{at, rank, fmt.Sprintf(format, args...)})
}

// log returns the servers' log. Entries of the same instant are sorted, since their order
// depends on the scheduler.
func (e *evidence) log() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	slices.SortStableFunc(e.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank), strings.Compare(a.text, b.text))
	})
	var b strings.Builder
	for _, l := range e.lines {
		fmt.Fprintf(&b, "%14.9f %s\n", l.at.Seconds(), l.text)
	}
	return b.String()
}

// Ranks of lines.
const (
	rankWorld = iota
	rankSettle
	rankReceive
	rankTarget
)

func (e *evidence) executes(x *execution, how string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.executed = append(e.executed, x)
	who, action, queue, rank := "rival", "ReceiveMessage", -1, rankReceive
	if c := x.call; c != nil {
		who, action, queue = c.by.name, c.action, c.queue
		if action != "ReceiveMessage" {
			rank = rankSettle
		}
	}
	var b strings.Builder
	for _, i := range x.items {
		fmt.Fprintf(&b, " m%d/r%d", i.message, i.receive)
		if action == "ChangeMessageVisibilityBatch" {
			fmt.Fprintf(&b, "=%ds", i.seconds)
		}
		if i.code != "" {
			fmt.Fprintf(&b, "(%s)", i.code)
		}
	}
	if how != "" {
		how = " [" + how + "]"
	}
	e.say(x.at, rank, "sqs    %-5s q%d %s%s%s", who, queue, action, how, b.String())
}

func (e *evidence) calling(c *sqsCall) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, c)
	e.say(c.sent, rankTarget, "ask    %-5s q%d %s of %d", c.by.name, c.queue, c.action, max(c.asked, len(c.entries)))
}

// answered notes what came to the process.
func (e *evidence) answered(c *sqsCall, at instant, told string, codes map[int]string, brought []handed) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.came, c.told, c.brought = at, told, brought
	for i := range c.entries {
		c.entries[i].code = codes[i]
	}
	if told != "" {
		e.say(at, rankReceive, "answer %-5s q%d %s: %s", c.by.name, c.queue, c.action, told)
	}
}

// gaveUp notes that the process no longer waits for the answer.
func (e *evidence) gaveUp(c *sqsCall, at instant) {
	if c.by.isDead() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say(at, rankReceive, "answer %-5s q%d %s: none, given up", c.by.name, c.queue, c.action)
}

func (e *evidence) arrives(d *delivery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deliveries = append(e.deliveries, d)
	if d.message >= 0 {
		e.say(d.arrived, rankTarget, "target %-5s t%d m%d arrives, receive %d, try %d", d.by.name, d.target, d.message, d.count, d.number)
	}
}

// unprocessed notes a request that HTTP/2 reported as not processed.
func (e *evidence) unprocessed(by *process, target int, at instant) {
	e.arrives(&delivery{by: by, target: target, message: -1, arrived: at, ended: at, how: "unprocessed"})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say(at, rankTarget, "target %-5s t%d does not process a request", by.name, target)
}

func (e *evidence) ends(d *delivery, at instant, status int, how string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d.ended, d.status, d.how = at, status, how
	e.say(at, rankTarget, "target %-5s t%d m%d ends %d%s", d.by.name, d.target, d.message, status, how)
}

// happens records what was done to the world.
func (e *evidence) happens(at instant, format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say(at, rankWorld, "world  "+format, args...)
}
