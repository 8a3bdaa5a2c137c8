package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
)

// demoCmd is `poller demo`.
type demoCmd struct {
	Duration  config.Duration `name:"duration" placeholder:"DURATION" help:"How long the traffic lasts. Default: until Ctrl-C."`
	Rate      config.Rate     `name:"rate" default:"28/s" placeholder:"RATE" help:"The poller's pace. The downstream accepts 32/s; none means as fast as possible."`
	Quota     config.Quota    `name:"quota" placeholder:"QUOTA" help:"The downstream is a partner with a quota, such as 100/m, and the poller keeps to it. Default: outages, no quota."`
	RateLimit demo.Saying     `name:"ratelimit" placeholder:"HEADER" help:"The poller is not given the quota, but the downstream's answers say what is left of it: ietf, x, old or retry."`
	Adaptive  bool            `name:"adaptive" help:"The downstream takes a few requests at a time, nobody knows how many, and the poller finds out. Needs --rate none."`
	LogLevel  config.Level    `name:"log-level" default:"error" placeholder:"LEVEL" help:"What the poller logs: debug, info, warn or error."`
}

// trafficEnded is printed when no more requests come.
const trafficEnded = "The traffic has ended. The backlog is delivered at the same pace."

// Help shows an example first.
func (c *demoCmd) Help() string {
	return `Example:
  poller demo --duration 20s
  poller demo --duration 20s --rate none        without a pace
  poller demo --duration 20s --log-level info   with the poller's log
  poller demo --duration 50s --quota 100/m      a partner with a quota
  poller demo --duration 50s --quota 100/m --ratelimit ietf
                              the same partner says in its answers what is left
  poller demo --duration 50s --rate none --adaptive
                              a partner of whom nobody knows anything

Shows what the poller is for, on this machine alone: no AWS, no Docker, no
network. Bursts of requests hit a front door that answers 202 and puts each on a
queue; the poller takes them off at a pace that the downstream can take. Every
half minute the downstream goes down for a few seconds and comes back overloaded.
For comparison, a push sends the same requests straight to an identical
downstream, with three retries each. In the demo, seconds stand for minutes.

The first Ctrl-C stops the traffic, delivers the backlog and prints the summary;
a second one stops immediately. Exit codes: 0 if every request was delivered,
3 if not.`
}

// Run shows the whole: traffic until its end, then the backlog, then the summary.
func (c *demoCmd) Run(p *process) error {
	switch {
	case c.Adaptive:
		return c.show(p, adaptivePlay)
	case c.Quota.N > 0:
		return c.show(p, quotaPlay(limitOf(c.Quota), c.RateLimit))
	default:
		return c.show(p, demoPlay)
	}
}

func (c *demoCmd) show(p *process, shown play) error {
	switch {
	case c.Duration < 0:
		return fmt.Errorf("--duration %s: use a value such as 20s, or omit it to stop with Ctrl-C", c.Duration)
	case c.Quota.Window() > time.Minute:
		return fmt.Errorf("--quota %s: that is too long to watch: use a quota a minute, such as 100/m", c.Quota)
	case c.RateLimit != "" && c.Quota.N == 0:
		return fmt.Errorf("--ratelimit %s: there is no quota to report: add --quota 100/m", c.RateLimit)
	case c.Adaptive && c.Quota.N > 0:
		return errors.New("--adaptive: that is for a partner of whom nobody knows anything: omit --quota")
	case c.Adaptive && c.Rate.Limited:
		return fmt.Errorf("--adaptive: at %s there may be nothing to find: add --rate none", c.Rate)
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
	stopped := p.drain.Done()
	for sending := sent; ; {
		select {
		case <-stopped:
			stopped = nil
			if p.terminal {
				view.tell("Press Ctrl-C again to stop immediately, without the summary.")
			}
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
