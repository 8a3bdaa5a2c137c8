package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/flags"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
	"github.com/sqs-poller/poller/internal/redrive"
)

// redriveCmd is `poller redrive`.
type redriveCmd struct {
	From      string          `name:"from" required:"" bare:"" mistaken:"queue" placeholder:"QUEUE" help:"The dead-letter queue: its URL, ARN or name."`
	To        string          `name:"to" placeholder:"QUEUE" help:"Where the messages go. Default: the queue whose dead-letter queue it is."`
	Rate      config.Rate     `name:"rate" placeholder:"RATE" help:"How fast to move them: 10/s, 100/m; a number alone means per second. Default: as fast as possible."`
	Ramp      config.Duration `name:"ramp" placeholder:"DURATION" help:"How long the rate takes to rise from a twentieth to its full value."`
	Filters   []string        `name:"filter" placeholder:"FILTER" help:"Only messages that match: attr:NAME=VALUE, attr:NAME or body~REGEXP. May be repeated: all must match."`
	Reason    string          `name:"reason" placeholder:"REASON" help:"Only messages that poller sent there because of this answer: a status that rejects a message, such as 422, or 4xx for all of them."`
	OlderThan config.Duration `name:"older-than" placeholder:"DURATION" help:"Only messages that were sent at least this long ago."`
	Max       int             `name:"max" placeholder:"N" help:"How many messages at most. Default: all."`
	DryRun    bool            `name:"dry-run" help:"Move nothing, but list what would be moved. Costs each message a receive."`
}

// Help shows an example first.
func (c *redriveCmd) Help() string {
	return `Example:
  poller redrive --from orders-dlq --rate 10/s
  poller redrive --from orders-dlq --rate 10/s --ramp 1m --reason 422 --dry-run
  poller redrive --from orders-dlq --filter attr:tenant=7 --older-than 1h
  poller redrive --from orders-dlq --filter 'body~"country": ?"NO"'

Moves messages from a dead-letter queue back to the queue that they came from.

With only --rate (whole messages per second, at most 500), SQS moves them itself
(StartMessageMoveTask); Ctrl-C cancels that. Otherwise poller moves them one by one:
each message is sent, then deleted. A crash in between leaves a copy in the dead-letter
queue and loses nothing. Messages that arrive meanwhile stay there, and so do those that
do not match, one receive older. Either way, moved messages get new ids and start with
no receives. On a FIFO queue, each group stays in order, and messages behind one that
does not match cannot be reached until the next run.

Exit codes: 0 if all the messages were moved, 3 if some are left, 1 if nothing could be
done.`
}

// redriving is a redrive that knows its queues.
type redriving struct {
	*redriveCmd
	p          *process
	client     *queue.Client
	from, to   *queue.Queue // to is nil if SQS finds out itself
	attributes queue.Attributes
	match      redrive.Match
}

// Run moves, and says how it went.
func (c *redriveCmd) Run(p *process) error {
	match, err := c.check()
	if err != nil {
		return err
	}
	r := &redriving{redriveCmd: c, p: p, match: match}
	if r.client, r.from, err = openQueue(p, "--from", c.From); err != nil {
		return err
	}
	defer r.client.Close()
	if r.attributes, err = r.from.Attributes(p.drain); err != nil {
		return err
	}
	if err := r.findDestination(); err != nil {
		return err
	}
	r.introduce()
	if r.bySQS() {
		return r.task()
	}
	return r.oneByOne()
}

// note refuses an empty reason, such as a variable that is not set: without one, everything
// would be moved.
func (c *redriveCmd) note(taken *flags.Set) error {
	if c.Reason == "" && slices.Contains(taken.Given(), "reason") {
		return errors.New("--reason: empty value: use 4xx, or a status that rejects a message, such as 422, or omit it")
	}
	return nil
}

// check reads the flags.
func (c *redriveCmd) check() (redrive.Match, error) {
	switch {
	case c.Rate.Limited && c.Rate.PerSecond == 0:
		return nil, errors.New("--rate 0: nothing would ever be moved; use a rate such as 10/s, or omit it")
	case c.Ramp < 0 || c.Ramp > 0 && !c.Rate.Limited:
		return nil, errors.New("--ramp: it is the time in which --rate is reached: give both, such as --rate 10/s --ramp 1m")
	case c.OlderThan < 0:
		return nil, fmt.Errorf("--older-than %s: use a duration such as 2h", c.OlderThan)
	case c.Reason != "" && !app.Rejects(c.Reason):
		return nil, fmt.Errorf("--reason %q: poller sends no message to a dead-letter queue because of that: use 4xx, or a status that rejects a message, such as 422", c.Reason)
	case c.Max < 0:
		return nil, fmt.Errorf("--max %d: use the number of messages, or omit it for all", c.Max)
	}
	var all []redrive.Match
	for _, text := range c.Filters {
		match, err := redrive.ParseFilter(text)
		if err != nil {
			return nil, fmt.Errorf("--filter: %w", err)
		}
		all = append(all, match)
	}
	if c.Reason != "" {
		all = append(all, redrive.Reason(c.Reason))
	}
	if c.OlderThan > 0 {
		all = append(all, redrive.OlderThan(time.Duration(c.OlderThan)))
	}
	return redrive.All(all...), nil
}

// bySQS reports whether a move task does all that is asked for.
func (r *redriving) bySQS() bool {
	rate := r.Rate.PerSecond
	return len(r.Filters) == 0 && r.Reason == "" && r.OlderThan == 0 && r.Max == 0 && r.Ramp == 0 && !r.DryRun &&
		rate == math.Trunc(rate) && rate <= queue.MaxMoveRate
}

// findDestination opens --to, or else the only queue that has this one as its dead-letter
// queue.
func (r *redriving) findDestination() error {
	ref, flag := r.To, "--to"
	if ref == "" {
		sources, err := r.from.Sources(r.p.drain)
		switch {
		case err != nil && r.bySQS():
			return nil // SQS finds out itself
		case err != nil:
			return fmt.Errorf("where its messages came from is not known (%w): give the queue with --to", err)
		case len(sources) == 0:
			return fmt.Errorf("--from: %s is not the dead-letter queue of any queue: name the queue to move to with --to", r.from.Name())
		case len(sources) > 1 && r.bySQS():
			return nil
		case len(sources) > 1:
			names := make([]string, len(sources))
			for i, url := range sources {
				names[i] = lastPart(url)
			}
			slices.Sort(names)
			return fmt.Errorf("%s is the dead-letter queue of %s: give the one to move to with --to", r.from.Name(), strings.Join(names, ", "))
		}
		ref, flag = sources[0], "--from"
	}
	to, err := r.client.Open(r.p.drain, ref)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	switch {
	case to.URL() == r.from.URL():
		return errors.New("--to: it is the same queue as --from: give another one")
	case strings.HasSuffix(to.Name(), ".fifo") != r.fifo():
		return fmt.Errorf("--to: %s and %s are not of one type: a FIFO queue's messages go to a FIFO queue", r.from.Name(), to.Name())
	}
	r.to = to
	return nil
}

func (r *redriving) fifo() bool { return strings.HasSuffix(r.from.Name(), ".fifo") }

// introduce prints what is there and what will be done.
func (r *redriving) introduce() {
	to := "the queue that each came from"
	if r.to != nil {
		to = r.to.Name()
	}
	how := "by SQS itself (StartMessageMoveTask)"
	if !r.bySQS() {
		how = "one by one: each is sent, then deleted"
	}
	if r.DryRun {
		how = "dry run: nothing is moved, and each message is received once"
	}
	rate := "as fast as possible"
	if r.Rate.Limited {
		rate = r.Rate.String()
		if r.Ramp > 0 {
			rate += ", reached in " + r.Ramp.String()
		}
	}
	d := r.attributes.Depth
	rows := [][2]string{
		{"from", fmt.Sprintf("%s: %d visible, %d in flight, %d delayed", r.from.Name(), d.Visible, d.InFlight, d.Delayed)},
		{"to", to},
		{"how", how},
		{"rate", rate},
	}
	if only := r.only(); only != "" {
		rows = append(rows, [2]string{"only", only})
	}
	for _, row := range rows {
		_, _ = fmt.Fprintf(r.p.stdout, "  %-6s%s\n", row[0], row[1])
	}
}

// only says which messages are meant.
func (r *redriving) only() string {
	parts := slices.Clone(r.Filters)
	if r.Reason != "" {
		parts = append(parts, "rejected with "+r.Reason)
	}
	if r.OlderThan > 0 {
		parts = append(parts, "older than "+r.OlderThan.String())
	}
	if r.Max > 0 {
		parts = append(parts, fmt.Sprintf("at most %d", r.Max))
	}
	return strings.Join(parts, ", ")
}

// live shows progress on a terminal until end is called.
func (r *redriving) live(progress func() string) (errs io.Writer, end func()) {
	if !r.p.terminal {
		return r.p.stderr, func() {}
	}
	line := newLiveLine(r.p.stdout)
	stop := everySecond(r.p.drain, func() { line.set(progress()) })
	return line.above(r.p.stderr), func() { stop(); line.clear() }
}

// listedInDryRun is how many messages a dry run lists.
const listedInDryRun = 20

// oneByOne moves what matches.
func (r *redriving) oneByOne() error {
	counts := newLatest(redrive.Result{})
	errs, end := r.live(func() string {
		is := counts.get()
		return fmt.Sprintf("moved %d  left %d  not meant %d", is.Moved, is.Left(), is.Skipped+is.Newer)
	})
	shown := 0
	result, err := redrive.Run(r.p.drain, r.p.now, redrive.Options{
		From: r.from, To: r.to, FIFO: r.fifo(), Match: r.match, Rate: r.Rate.PerSecond, Ramp: time.Duration(r.Ramp),
		Max: r.Max, DryRun: r.DryRun, Progress: counts.set,
		Note: func(m *message.Message, err error) {
			switch {
			case err != nil:
				_, _ = fmt.Fprintf(errs, "poller: not moved: %s: %v\n", m.ID, err)
			case r.DryRun && shown < listedInDryRun:
				shown++
				_, _ = fmt.Fprintf(r.p.stdout, "  would move %s, sent %s ago, %d bytes\n", m.ID, roughly(r.from.Age(time.Now(), m)), m.Size())
			}
		},
	})
	end()
	r.sum(result)
	switch stopped := r.p.drain.Err() != nil; {
	case err != nil && result.Moved == 0:
		return err
	case err != nil:
		return exit{code: codeLeft, err: err}
	case stopped:
		return exit{code: codeLeft, err: errors.New("stopped before everything was moved")}
	case result.Left() > 0:
		return exit{code: codeLeft, err: fmt.Errorf("%s left in %s", counted(result.Left(), "message"), r.from.Name())}
	}
	return nil
}

// sum prints what happened.
func (r *redriving) sum(is redrive.Result) {
	word := "moved"
	if r.DryRun {
		word = "would be moved"
	}
	lines := []string{fmt.Sprintf("%s %s to %s", counted(is.Moved, "message"), word, r.to.Name())}
	for _, part := range []struct {
		n    int
		text string
	}{
		{is.Skipped, "did not match, and are left"},
		{is.Newer, "came after the start, and are left"},
		{is.Failed, "could not be sent, and are left"},
		{is.Behind, "stand behind one of those in their group, and are left"},
		{is.Copied, "were sent and could not be deleted: they are in both queues"},
		{is.Hidden, "are hidden for two minutes more: SQS did not answer"},
	} {
		if part.n > 0 {
			lines = append(lines, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	_, _ = fmt.Fprintln(r.p.stdout, strings.Join(lines, "\n"))
}

// lookEvery is how often SQS is asked how far its task has got.
const lookEvery = time.Second

// task has SQS move all of it.
func (r *redriving) task() error {
	// Named, it also takes what was sent straight to the dead-letter queue, of which SQS does
	// not know where it came from.
	destination := ""
	if r.to != nil {
		a, err := r.to.Attributes(r.p.drain)
		if err != nil {
			return err
		}
		destination = a.ARN
	}
	handle, err := r.from.StartMove(r.p.drain, r.attributes.ARN, destination, int(r.Rate.PerSecond))
	if err != nil {
		return err
	}
	counts := newLatest(queue.Move{})
	_, end := r.live(func() string {
		is := counts.get()
		return fmt.Sprintf("moved %d of about %d", is.Moved, is.ToMove)
	})
	defer end()
	cancelled := false
	for {
		wait(r.p.now, lookEvery)
		if r.p.drain.Err() != nil && !cancelled {
			cancelled = true
			if err := r.from.CancelMove(r.p.now, handle); err != nil && message.FaultOf(err) == message.Refused {
				return fmt.Errorf("the move task goes on: %w", err)
			}
		}
		is, ok, err := r.from.LastMove(r.p.now, r.attributes.ARN)
		switch {
		case r.p.now.Err() != nil:
			return exit{code: codeLeft, err: errors.New("the move task goes on in SQS: it was not waited for")}
		case message.FaultOf(err) == message.Network, message.FaultOf(err) == message.ThrottledBySQS:
			continue
		case err != nil:
			return fmt.Errorf("the move task goes on, and its progress is not known: %w", err)
		case !ok:
			return errors.New("SQS no longer knows the move task")
		}
		counts.set(is)
		if is.Status == queue.MoveRunning || is.Status == queue.MoveCancelling {
			continue
		}
		end()
		return r.ended(is)
	}
}

// ended prints how SQS's task ended, and returns the exit code.
func (r *redriving) ended(is queue.Move) error {
	left := ""
	ctx, cancel := context.WithTimeout(r.p.now, controlTimeout)
	defer cancel()
	if now, err := r.from.Look(ctx); err == nil {
		left = fmt.Sprintf("; about %d are left in %s", now.Depth.Visible, r.from.Name())
	}
	_, _ = fmt.Fprintf(r.p.stdout, "%s moved%s\n", counted(int(is.Moved), "message"), left)
	switch is.Status {
	case queue.MoveCompleted:
		return nil
	case queue.MoveCancelled:
		return exit{code: codeLeft, err: errors.New("cancelled before everything was moved")}
	default:
		return exit{code: codeLeft, err: fmt.Errorf("the move task ended as %s: %s", is.Status, is.Reason)}
	}
}
