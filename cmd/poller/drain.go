package main

import (
	"fmt"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
)

const (
	// codeTimeRanOut ends a drain that has left messages on a queue.
	codeTimeRanOut = 4
	// drainWait bounds the long polls of a drain: it is to end soon after the queue is
	// empty.
	drainWait = 2 * time.Second
)

// drainCmd is `poller drain`.
type drainCmd struct {
	settings `embed:""`

	Idle        config.Duration `name:"idle" default:"5s" placeholder:"DURATION" help:"How long nothing must have been received before SQS is asked whether the queue is empty."`
	MaxDuration config.Duration `name:"max-duration" placeholder:"DURATION" help:"Stop after this long, even if messages are left. Default: never."`
}

// Help shows an example first.
func (c *drainCmd) Help() string {
	return `Example:
  poller drain --queue orders --target http://localhost:8080/orders --rate 28/s
  poller drain --config poller.yaml --max-duration 10m

Delivers until the queue is empty, then exits: for schedules, and for emptying a
queue by hand. The queue counts as empty when nothing has been received for --idle,
nothing is in hand, and SQS reports nothing visible, in flight or delayed. So it waits
for messages that are due for a retry or in flight elsewhere. All settings of poller
run apply; Ctrl-C and SIGTERM stop it in the same way.

Exit codes: 0 if the queue is empty, 4 if --max-duration or a signal stopped it with
messages left, 1 if a setting is wrong or SQS refused at startup, 3 if something was
left behind, 130 after a second signal.`
}

// Run delivers until there is nothing left.
func (c *drainCmd) Run(p *process) error { return c.logged(p, c.run(p)) }

func (c *drainCmd) refused(p *process, args []string, err error) error {
	return c.loggedAsAsked(p, args, err)
}

func (c *drainCmd) run(p *process) error {
	settings, warnings, err := c.loadOrSay(p)
	if err != nil {
		return err
	}
	switch {
	case c.Idle <= 0:
		return fmt.Errorf("--idle: %s is not over 0s: use a value such as 5s", c.Idle)
	case c.MaxDuration < 0:
		return fmt.Errorf("--max-duration: %s is below 0s: use a value such as 10m, or omit it", c.MaxDuration)
	}
	line := newLiveLine(p.stdout)
	defer line.end()
	daemon, end, err := c.start(p, p.logsAbove(line), settings, warnings, drainWait)
	if err != nil {
		return err
	}
	defer end()
	emptying := app.Emptying{Idle: time.Duration(c.Idle), Longest: time.Duration(c.MaxDuration)}
	if p.terminal {
		emptying.Progress = func(s app.Status) { line.set(progressOf(s)) }
	}
	result, err := daemon.RunUntilEmpty(p.drain, p.now, emptying)
	// What SQS was asked for at the end goes before the daemon's own figures, which are some
	// seconds old.
	switch {
	case !p.terminal:
	case err == nil && result.Empty:
		line.set(progress(0, 0, result.Delivered))
	case err == nil && result.Left > 0:
		line.set(progress(result.Left, 0, result.Delivered))
	default:
		line.clear()
	}
	switch {
	case err != nil:
		return err
	case result.Stranded > 0 || result.CutOff > 0:
		return exit{code: codeLeft}
	case !result.Empty && result.Left < 0:
		return exit{code: codeTimeRanOut, err: fmt.Errorf("it ended before the queue was seen to be empty")}
	case !result.Empty && result.Left > 0:
		are := "are"
		if result.Left == 1 {
			are = "is"
		}
		return exit{code: codeTimeRanOut, err: fmt.Errorf("%s %s left on the queue", counted(result.Left, "message"), are)}
	}
	return nil
}

// progressOf is the live line.
func progressOf(s app.Status) string {
	visible, inHand, rate := 0, 0, 0.0
	delivered := int64(0)
	for _, q := range s.Queues {
		if q.Depth != nil {
			visible += q.Depth.Visible
		}
		for _, n := range q.InHand {
			inHand += n
		}
		rate += q.DeliveredPerSecond
		delivered += q.Settled["delivered"]
	}
	return progress(visible, inHand, delivered) + fmt.Sprintf("  %.1f/s", rate)
}

func progress(visible, inHand int, delivered int64) string {
	return fmt.Sprintf("queue %d  in hand %d  delivered %d", visible, inHand, delivered)
}
