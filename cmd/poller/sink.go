package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
	"github.com/sqs-poller/poller/internal/receiver"
)

// sinkCmd is `poller sink`.
type sinkCmd struct {
	Listen         string           `name:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen on. Port 0 chooses a free one."`
	Capacity       int              `name:"capacity" placeholder:"N" help:"Concurrent requests that it accepts; more get 429. Default: no limit."`
	Rate           demo.Limit       `name:"rate" placeholder:"RATE" help:"Requests that it accepts: 28/s (in any second), 1000/m, 50000/h; more get 429. Default: no limit."`
	Quota          config.Quota     `name:"quota" placeholder:"QUOTA" help:"Requests that it accepts in each second, minute, hour or day of the clock: 100/m; more get 429. Default: no limit."`
	RateLimit      demo.Saying      `name:"ratelimit" placeholder:"HEADER" help:"How its answers say what is left of the quota: ietf (RateLimit), x (X-RateLimit-Remaining, Unix time), old (RateLimit-Remaining, seconds) or retry (Retry-After with a 429). Default: not at all."`
	Latency        demo.Latency     `name:"latency" default:"0s" placeholder:"DURATION" help:"How long an answer takes: 200ms, or a range such as 100ms-200ms."`
	Format         receiver.Format  `name:"format" placeholder:"FORMAT" help:"What requests have to be: raw, sqsd, lambda, cloudevents or webhook. What is wrong with one is printed, and answered as such a target does. Default: anything."`
	Verify         []receiver.Proof `name:"verify" placeholder:"PROOF" help:"What requests have to prove: webhook=@FILE (a secret of Standard Webhooks), aws=SERVICE (signed with the credentials that the sink finds) or bearer=@FILE (a token). May be repeated; of several of a kind, one is enough."`
	Fail           demo.Share       `name:"fail" placeholder:"SHARE" help:"Share of messages that fail each time they come, such as 3%: 500, or named in batchItemFailures. Default: none."`
	Status         int              `name:"status" default:"200" placeholder:"STATUS" help:"Status for accepted requests."`
	OverloadStatus int              `name:"overload-status" default:"429" placeholder:"STATUS" help:"Status for requests over the limits."`
	RetryAfter     config.Duration  `name:"retry-after" placeholder:"DURATION" help:"Retry-After to send with that status. Default: none."`
	Outages        []demo.Outage    `name:"outage" placeholder:"FROM-TO[=HOW]" help:"When it is down, counted from its start: 30s-60s. HOW is a status (default 503), refuse (the port is closed), hang (no answer) or reset (the connection is cut). May be repeated."`
	OutageEvery    config.Duration  `name:"outage-every" placeholder:"DURATION" help:"Repeat the outages after this long. Default: they happen once."`
}

// Help shows an example first.
func (c *sinkCmd) Help() string {
	return `Example:
  poller sink --capacity 8 --latency 100ms-200ms --outage 30s-60s=503

A downstream to practise on. It answers every path, and keeps no bodies.
  curl 127.0.0.1:8080/stats             shows the counts as JSON
  curl -X DELETE 127.0.0.1:8080/stats   resets them

Its rate is strict: never more in any second. poller run --rate 28/s starts up to
29 in a second, its rate plus its burst of 1: give the sink 29/s, or poller 27/s.

A partner with a quota, which says what is left of it:
  poller sink --quota 100/m --ratelimit ietf

A Lambda function that reports 3% of its records as failed, a webhook receiver, a
partner that wants a token:
  poller sink --format lambda --fail 3% --verify aws=lambda
  poller sink --format webhook --verify webhook=@webhook-secret
  poller sink --verify bearer=@token

Each thing that is wrong with a request is said once a minute. Exit codes: 0, or 1 if
--format or --verify refused a request.`
}

// Run serves until the first signal.
func (c *sinkCmd) Run(p *process) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	if options.Verify, err = receiver.Verifiers(p.drain, c.Verify); err != nil {
		return fmt.Errorf("--verify %w", err)
	}
	l, err := listenAt(p.drain, c.Listen)
	if err != nil {
		return err
	}
	problems := newProblems(p.stdout)
	options.Wrong = problems.say
	sink := demo.NewSink(options)
	_, _ = fmt.Fprintf(p.stdout, "The sink is at http://%s/, its counts at http://%[1]s/stats. Ctrl-C stops it.\n", l.Addr())
	if p.terminal {
		line := newLiveLine(p.stdout)
		defer line.end()
		problems.to = line.above(p.stdout)
		defer everySecond(p.drain, func() { line.set(sinkLine(sink.Stats())) })()
	}
	if err := sink.Serve(p.drain, l); err != nil {
		return err
	}
	return c.sum(sink.Stats())
}

// sum returns an error if requests were wrong.
func (c *sinkCmd) sum(s demo.Stats) error {
	if s.Wrong() == 0 {
		return nil
	}
	return fmt.Errorf("%d of %s had something wrong with them", s.Wrong(), counted(int(s.Received), "request"))
}

func (c *sinkCmd) options() (demo.SinkOptions, error) {
	none := demo.SinkOptions{}
	for _, status := range []struct {
		flag  string
		value int
	}{{"--status", c.Status}, {"--overload-status", c.OverloadStatus}} {
		if !demo.ValidStatus(status.value) {
			return none, fmt.Errorf("%s %d: use a status from 200 to 599", status.flag, status.value)
		}
	}
	switch {
	case c.Capacity < 0:
		return none, fmt.Errorf("--capacity %d: use the number of concurrent requests that it accepts, or omit it for no limit", c.Capacity)
	case c.RetryAfter < 0:
		return none, fmt.Errorf("--retry-after %s: use a positive duration, such as 2s", c.RetryAfter)
	case c.RateLimit != "" && c.Quota.N == 0:
		return none, fmt.Errorf("--ratelimit %s: there is no quota to report: add --quota 100/m", c.RateLimit)
	case c.OutageEvery < 0:
		return none, fmt.Errorf("--outage-every %s: use a positive duration, such as 2m", c.OutageEvery)
	case c.OutageEvery > 0 && len(c.Outages) == 0:
		return none, fmt.Errorf("--outage-every %s: there is no outage to repeat: add --outage 30s-60s", c.OutageEvery)
	}
	outages := demo.Schedule{Outages: c.Outages, Every: time.Duration(c.OutageEvery)}
	if err := outages.Check(); err != nil {
		return none, fmt.Errorf("--outage-every: %w", err)
	}
	return demo.SinkOptions{
		Format: c.Format, Fail: c.Fail,
		Capacity: c.Capacity, Rate: c.Rate, Quota: limitOf(c.Quota), Saying: c.RateLimit, Latency: c.Latency, Status: c.Status,
		OverloadStatus: c.OverloadStatus, RetryAfter: time.Duration(c.RetryAfter), Outages: outages,
	}, nil
}

// limitOf is a quota as the practice downstream keeps it.
func limitOf(q config.Quota) demo.Limit { return demo.Limit{N: q.N, Per: q.Window()} }

func sinkLine(s demo.Stats) string {
	line := fmt.Sprintf("received %d (%d/s)  accepted %d  refused %d  at once %d (most %d)",
		s.Received, s.PerSecond, s.Accepted, s.RefusedInAll(), s.AtOnce, s.AtOnceMax)
	if s.Failed > 0 {
		line += fmt.Sprintf("  failed %d", s.Failed)
	}
	if s.Outage != "" {
		line += "  outage " + s.Outage
	}
	return line
}

// everySecond calls f each second until ctx is done or stop is called, which
// waits for it.
func everySecond(ctx context.Context, f func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}
