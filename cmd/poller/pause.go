package main

import (
	"slices"

	"github.com/sqs-poller/poller/internal/config"
)

// pauseCmd is `poller pause`.
type pauseCmd struct {
	daemonOf `embed:""`

	Target string          `name:"target" placeholder:"NAME" help:"The target's name in the daemon's file. Default: all targets."`
	For    config.Duration `name:"for" placeholder:"DURATION" help:"How long, at most 720h. Default: until poller resume."`
	By     string          `name:"by" placeholder:"NAME" help:"Your name, for the log and the page."`
	Fleet  bool            `name:"fleet" help:"All replicas that share the budget through --fleet-redis, and those that start later."`
}

// Help shows an example first.
func (c *pauseCmd) Help() string {
	return `Example:
  poller pause --for 30m --by ada
  poller pause --fleet --by ada
  kubectl exec deployment/poller -- /poller pause --by ada

Pauses the daemon on this machine: it starts no deliveries and receives nothing;
running deliveries finish. Messages in hand are kept and extended, which costs no
receive; after 12 hours, SQS's limit, they are released. The pause overrides the file
and SIGHUP until poller resume or the end of --for. A restart ends it, too.

With --fleet it is for all replicas, those that start later as well, until poller
resume --fleet: the coordinator keeps it. Of a replica's own and the fleet's, the
newest holds.

The daemon needs --control-token, and this command the same one: from the flag,
POLLER_CONTROL_TOKEN, or the daemon's file.`
}

// Run asks the daemon.
func (c *pauseCmd) Run(p *process) error {
	return c.control(p, "pause", c.change(c.Target, c.For, c.By, c.Fleet))
}

// resumeCmd is `poller resume`.
type resumeCmd struct {
	daemonOf `embed:""`

	Target string `name:"target" placeholder:"NAME" help:"The target's name in the daemon's file. Default: all targets."`
	By     string `name:"by" placeholder:"NAME" help:"Your name, for the log and the page."`
	Fleet  bool   `name:"fleet" help:"Undo what was set with --fleet, for all replicas."`
}

// Help shows an example first.
func (c *resumeCmd) Help() string {
	return `Example:
  poller resume --by ada
  poller resume --fleet --by ada

Undoes poller pause and poller pace for the daemon on this machine: the settings are
in force again, including those of the last SIGHUP. With --fleet it does so for all
replicas; without it, what was set with --fleet stays.`
}

// Run asks the daemon.
func (c *resumeCmd) Run(p *process) error {
	return c.control(p, "resume", c.change(c.Target, 0, c.By, c.Fleet))
}

// paceCmd is `poller pace`.
type paceCmd struct {
	daemonOf `embed:""`

	Rate        string          `name:"rate" placeholder:"RATE" help:"Deliveries started per second, minute or hour: 10/s, 1000/m, or none for no limit."`
	Concurrency int             `name:"concurrency" placeholder:"N" help:"Concurrent deliveries, 1 to 10,000."`
	Target      string          `name:"target" placeholder:"NAME" help:"The target's name in the daemon's file; optional if there is only one target."`
	For         config.Duration `name:"for" placeholder:"DURATION" help:"How long, at most 720h. Default: until poller resume."`
	By          string          `name:"by" placeholder:"NAME" help:"Your name, for the log and the page."`
	Reset       bool            `name:"reset" help:"Undo poller pace, and not a pause."`
	Fleet       bool            `name:"fleet" help:"All replicas that share the budget through --fleet-redis, and those that start later."`
}

// Help shows an example first.
func (c *paceCmd) Help() string {
	return `Example:
  poller pace --rate 10/s --concurrency 4 --for 30m --by ada
  poller pace --reset
  poller pace --rate 10/s --fleet

Changes the rate, the concurrency or both for the daemon on this machine. They
override the file and SIGHUP until poller resume or the end of --for. A restart ends
them, too. Like the settings, they are the budget of all replicas (fleet.replicas),
and each takes its share: run this for every replica, or once with --fleet if a
coordinator shares the budget (fleet.redis).`
}

// Run asks the daemon.
func (c *paceCmd) Run(p *process) error {
	what := c.change(c.Target, c.For, c.By, c.Fleet)
	if c.Reset {
		what["reset"] = true
	}
	if c.Rate != "" {
		what["rate"] = c.Rate
	}
	if slices.Contains(c.given, "concurrency") {
		what["concurrency"] = c.Concurrency
	}
	return c.control(p, "pace", what)
}

// change is what all of them say. A flag that was given is said, whatever its value: the
// daemon knows what makes no sense.
func (d *daemonOf) change(target string, lasts config.Duration, by string, fleet bool) map[string]any {
	what := make(map[string]any)
	if target != "" {
		what["target"] = target
	}
	if slices.Contains(d.given, "for") {
		what["for"] = lasts.String()
	}
	if by != "" {
		what["by"] = by
	}
	if fleet {
		what["fleet"] = true
	}
	return what
}
