package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

// demoCmd is `poller demo`.
type demoCmd struct {
	Duration config.Duration `name:"duration" placeholder:"DURATION" help:"End the traffic after this. Default: at Ctrl-C."`
	Rate     config.Rate     `name:"rate" default:"28/s" placeholder:"RATE" help:"The poller's pace. The downstream takes 32/s; none means as fast as possible."`
	LogLevel config.Level    `name:"log-level" default:"error" placeholder:"LEVEL" help:"What the poller logs: debug, info, warn or error."`
}

// trafficEnded is told when no more requests come.
const trafficEnded = "The traffic has ended. What is still on the queue is delivered at the same pace."

// Help shows an example first.
func (c *demoCmd) Help() string {
	return `Example:
  poller demo --duration 20s
  poller demo --duration 20s --rate none        without a pace
  poller demo --duration 20s --log-level info   with what the poller logs

Shows on this machine alone what the poller is for: no AWS, no Docker, no
network. Requests come in bursts to a front door that answers 202 and puts each
on a queue; the poller takes them off at the pace that the downstream can take.
The downstream goes away for some seconds and comes back overloaded, every half a
minute. Beside it, push delivers the same requests at once to a downstream of the
same kind, retries three times and gives up; the summary compares the two. In the
demo seconds stand for minutes.

The first Ctrl-C ends the traffic: the backlog is delivered and the summary
printed. The second ends at once. The exit code is 0 if every request was
delivered, else 3.`
}

// Run shows the whole: traffic until its end, then the backlog, then the summary.
func (c *demoCmd) Run(p *process) error { return c.show(p, demoPlay) }

func (c *demoCmd) show(p *process, shown play) error {
	switch {
	case c.Duration < 0:
		return fmt.Errorf("--duration %s: write a time such as 20s, or leave it out to end it with Ctrl-C", c.Duration)
	case c.Rate.Limited && c.Rate.PerSecond == 0:
		return errors.New("--rate 0: nothing would ever be delivered; use a rate such as 28/s")
	}
	s, err := c.open(p, shown)
	if err != nil {
		return err
	}
	defer s.close()
	view := newDemoView(p, s)
	view.introduce(c)
	err = s.run(p, time.Duration(c.Duration), view)
	view.end()
	switch {
	case p.now.Err() != nil:
		return exit{code: 130}
	case err != nil:
		return err
	}
	result := view.result()
	view.summarize(result)
	if result.undelivered() > 0 {
		return exit{code: 3}
	}
	return nil
}

// run plays the demo to its end, or until p.now is done, or until a part fails.
func (s *stage) run(p *process, duration time.Duration, view *demoView) error {
	traffic, stop := context.WithCancel(p.drain)
	if duration > 0 {
		traffic, stop = context.WithTimeout(p.drain, duration)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.traffic.Run(traffic)
	}()
	defer func() { stop(); <-sent }()

	tick := time.NewTicker(viewEvery)
	defer tick.Stop()
	for sending := sent; ; {
		select {
		case <-sending:
			sending = nil
			view.tell(trafficEnded)
			s.closeDoor(p.now)
		case <-tick.C:
			view.update()
			if sending == nil && s.settled() {
				s.stopDaemon(p.now)
				return nil
			}
		case err := <-s.failed:
			return err
		case <-p.now.Done():
			return nil
		}
	}
}
