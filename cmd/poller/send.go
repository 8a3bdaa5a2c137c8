package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

const (
	// sendLinger is how long a body waits for others to go with it.
	sendLinger = 50 * time.Millisecond
	// sendTries is how often a body is sent while SQS throttles or is not reached.
	sendTries      = 6
	firstSendPause = 200 * time.Millisecond
	// maxDelay is the longest that SQS keeps a message back.
	maxDelay = 15 * time.Minute
)

// sendCmd is `poller send`.
type sendCmd struct {
	Queue  string          `name:"queue" required:"" placeholder:"QUEUE" help:"The queue: its URL, ARN or name."`
	Files  []string        `name:"file" placeholder:"PATH" help:"A file whose entire content is one body; may be repeated."`
	Group  string          `name:"group" placeholder:"ID" help:"The message group; required on a FIFO queue. {n} is replaced by the body's number."`
	Dedup  string          `name:"dedup" placeholder:"ID" help:"The deduplication id on a FIFO queue. {n} is replaced by the body's number."`
	Attrs  []string        `name:"attr" placeholder:"NAME=VALUE" help:"A message attribute; may be repeated. NAME:Number=3 makes it a Number."`
	Delay  config.Duration `name:"delay" placeholder:"DURATION" help:"How long SQS hides each message at first, up to 15m. Default: the queue's own."`
	Rate   config.Rate     `name:"rate" placeholder:"RATE" help:"How fast to send: 28/s, 1000/m; a number alone means per second. Default: as fast as possible."`
	Bodies []string        `arg:"body" help:"One message each; - reads one per line from standard input."`
}

// Help shows an example first.
func (c *sendCmd) Help() string {
	return `Example:
  poller send --queue orders '{"id":1}' '{"id":2}'
  poller send --queue orders --rate 100/s - < bodies.jsonl
  poller send --queue jobs.fifo --group customer-7 --file order.json

Sends bodies from arguments, standard input (-) or files, in batches. Region and
credentials come from the AWS SDK's own variables. Bodies that SQS refuses and
files that cannot be read are listed with the reason; the others are sent. Empty lines
are skipped and counted. If a response from SQS is lost, the batch is sent again, so
its messages may be in the queue twice.

Ctrl-C stops it and prints how many were sent. Exit codes: 0 if all were sent, 1 if
any were refused or could not be read, 130 if it was stopped early.`
}

// Run sends.
func (c *sendCmd) Run(p *process) error {
	s, err := c.prepare(p)
	if err != nil {
		return err
	}
	client, err := queue.NewClient(p.drain, queue.Options{UserAgent: "poller/" + build().Version})
	if err != nil {
		return err
	}
	defer client.Close()
	if s.queue, err = client.Open(p.drain, c.Queue); err != nil {
		return fmt.Errorf("--queue: %w", err)
	}
	if err := c.fits(s.queue.Name()); err != nil {
		return err
	}
	end := func() {}
	if p.terminal {
		line := newLiveLine(p.stdout)
		s.errors = line.above(p.stderr)
		stop := everySecond(p.drain, func() { line.set(s.progress()) })
		end = func() { stop(); line.clear() }
	}
	err = s.run(c.bodies(p, &s.skipped))
	end()
	return s.result(err)
}

// prepare reads the flags; the queue comes later.
func (c *sendCmd) prepare(p *process) (*sendRun, error) {
	attributes, err := parseAttributes(c.Attrs)
	if err != nil {
		return nil, err
	}
	delay := time.Duration(c.Delay)
	switch {
	case len(c.Bodies) == 0 && len(c.Files) == 0:
		return nil, errors.New("nothing to send: give bodies as arguments, - for one per line from standard input, or --file PATH")
	case c.Rate.Limited && c.Rate.PerSecond == 0:
		return nil, errors.New("--rate 0: nothing would ever be sent; use a rate such as 28/s, or omit it")
	case delay < 0 || delay > maxDelay || delay%time.Second != 0:
		return nil, fmt.Errorf("--delay %s: SQS takes whole seconds up to 15m", c.Delay)
	}
	s := &sendRun{
		p: p, errors: p.stderr, batch: queue.MaxBatch,
		draft: queue.Draft{GroupID: c.Group, DeduplicationID: c.Dedup, Delay: delay, Attributes: attributes},
	}
	if c.Rate.Limited {
		s.batch = min(max(int(c.Rate.PerSecond/10), 1), queue.MaxBatch)
		s.each = time.Duration(float64(time.Second) / c.Rate.PerSecond)
	}
	return s, nil
}

// fits checks what depends on the kind of the queue: a FIFO queue's name ends so, and
// no other's does.
func (c *sendCmd) fits(name string) error {
	switch fifo := strings.HasSuffix(name, ".fifo"); {
	case fifo && c.Group == "":
		return fmt.Errorf("--group: %s is a FIFO queue, which delivers each group in order: name the group, such as --group customer-7", name)
	case fifo && c.Delay != 0:
		return fmt.Errorf("--delay: %s is a FIFO queue, which has one delay for all messages: omit it", name)
	case !fifo && c.Dedup != "":
		return fmt.Errorf("--dedup: %s is not a FIFO queue and takes no deduplication id: omit it", name)
	}
	return nil
}

// parseAttributes reads NAME=VALUE and NAME:TYPE=VALUE.
func parseAttributes(given []string) (map[string]message.Attribute, error) {
	attributes := make(map[string]message.Attribute, len(given))
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, errors.New("--attr: no name and value: use NAME=VALUE, or NAME:Number=3")
		}
		kind := "String"
		if i := strings.LastIndexByte(name, ':'); i >= 0 {
			name, kind = name[:i], name[i+1:]
			if base, _, _ := strings.Cut(kind, "."); base != "String" && base != "Number" {
				return nil, fmt.Errorf("--attr %s: invalid type %q: use String or Number", name, kind)
			}
		}
		if _, twice := attributes[name]; twice {
			return nil, fmt.Errorf("--attr %s: given twice: remove one", name)
		}
		attributes[name] = message.Attribute{DataType: kind, StringValue: value}
	}
	return attributes, nil
}

// wait waits for d, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
