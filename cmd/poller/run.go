package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/flags"
)

// codeLeft ends a drain that left something behind.
const codeLeft = 3

// runCmd is `poller run`.
type runCmd struct {
	settings `embed:""`
}

// Help shows an example first.
func (c *runCmd) Help() string {
	return `Example:
  poller run --queue orders --target http://localhost:8080/orders --rate 28/s
  poller run --config poller.yaml

Receives messages from the queue, delivers each to the target at the target's pace,
and deletes it once it has been delivered. Region and credentials come from the AWS
SDK's own variables (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_SQS, …). SIGTERM and
Ctrl-C finish what has begun, then stop; a second one stops immediately. SIGHUP
rereads the rate, burst, quotas, concurrency, adaptive, number of replicas and log level.

Exit codes: 0 after a complete drain, 1 if a setting is wrong or SQS refused at
startup, 3 if something was left behind, 130 after a second signal.`
}

// Run is the daemon.
func (c *runCmd) Run(p *process) error { return c.logged(p, c.run(p)) }

func (c *runCmd) refused(p *process, args []string, err error) error {
	return c.loggedAsAsked(p, args, err)
}

func (c *runCmd) run(p *process) error {
	settings, warnings, err := c.loadOrSay(p)
	if err != nil {
		return err
	}
	line := newLiveLine(p.stdout)
	defer line.end()
	daemon, end, err := c.start(p, p.logsAbove(line), settings, warnings, 0)
	if err != nil {
		return err
	}
	defer end()
	if p.terminal {
		defer line.clear() // the log's last line has the totals
		line.say(fmt.Sprintf("Status page: http://%s/ (Ctrl-C stops)\n", reachable(daemon.Address())))
		defer everySecond(p.now, func() { line.set(progressOf(daemon.Status(time.Now()))) })()
	}
	summary, err := daemon.Run(p.drain, p.now)
	if err != nil {
		return err
	}
	if summary.Stranded > 0 || summary.CutOff > 0 {
		return exit{code: codeLeft}
	}
	return nil
}

// logsJSON reports whether the log is JSON, by what is known before the settings are
// read.
func (s *settings) logsJSON(p *process) bool {
	format := s.Config.Log.Format
	if !slices.Contains(s.given, "log-format") {
		format = cmp.Or(os.Getenv(config.Variable("log-format")), "auto")
	}
	return format == "json" || format != "text" && !p.interactive
}

// logged is an error that ends the daemon, written to the log where that is JSON: what
// collects it there takes no other lines.
func (s *settings) logged(p *process, err error) error {
	if err == nil || !s.logsJSON(p) || p.now.Err() != nil {
		return err
	}
	log := newLogger(p.stderr, "json", p, new(slog.LevelVar))
	e, began := errors.AsType[exit](err)
	switch {
	case began && e.err == nil:
	case began:
		log.ErrorContext(p.drain, "poller ended early", slog.Any("error", err))
	default:
		e.code = codeFailed
		log.ErrorContext(p.drain, "poller cannot run", slog.Any("error", err))
	}
	return exit{code: e.code}
}

// loggedAsAsked is logged for a command line that is wrong: of the flags only
// --log-format counts, wherever it stands.
func (s *settings) loggedAsAsked(p *process, args []string, err error) error {
	if format := flags.Said(args, "log-format"); format != "" {
		s.Config.Log.Format = format
		s.given = append(s.given, "log-format")
	}
	return s.logged(p, err)
}

// loadOrSay is load; where it fails, the warnings are said here, since there will be
// no log.
func (s *settings) loadOrSay(p *process) (config.Config, []string, error) {
	c, warnings, err := s.load()
	switch {
	case err == nil:
	case s.logsJSON(p):
		warn(p.drain, newLogger(p.stderr, "json", p, new(slog.LevelVar)), warnings)
	default:
		for _, text := range warnings {
			say(p, "warning", text)
		}
	}
	return c, warnings, err
}

// start makes a daemon that logs to out, and watches the signals for it until end is
// called. The log waits for no reader; it has all that libraries say, too. maxWait bounds its long polls; 0: SQS's 20 s.
func (s *settings) start(
	p *process, out io.Writer, c config.Config, warnings []string, maxWait time.Duration,
) (daemon *app.App, end func(), err error) {
	if err := app.CheckFiles(c, p.files); err != nil {
		return nil, nil, err
	}
	setMemoryLimit(app.PlanMemory(c).Go)
	level := new(slog.LevelVar)
	level.Set(slog.Level(c.Log.Level))
	if p.outlive != nil {
		p.outlive()
	}
	lines := newLogWriter(out, logLines)
	log := newLogger(lines, c.Log.Format, p, level)
	lines.dropped = func(n int) {
		log.WarnContext(p.now, "log lines were dropped: their reader was away or too slow", slog.Int("count", n))
	}
	libraries := takeLibraryLog(log)
	closeLog := func() { libraries(); lines.close() }
	warn(p.drain, log, warnings)
	daemon, err = app.New(p.drain, c, app.Options{Logger: log, Level: level, Build: build(), MaxWait: maxWait, Files: p.files})
	if err != nil {
		closeLog()
		return nil, nil, err
	}
	ended, stop := context.WithCancel(p.now)
	go s.watch(ended, p, out, daemon, log, c.DrainTimeout)
	return daemon, func() { stop(); closeLog() }, nil
}

// watch reads the settings again at each SIGHUP, and says how to hurry the first
// Ctrl-C, until the daemon has ended.
func (s *settings) watch(ended context.Context, p *process, out io.Writer, daemon *app.App, log *slog.Logger, drainTimeout config.Duration) {
	drain := p.drain.Done()
	for {
		select {
		case <-ended.Done():
			return
		case <-drain:
			drain = nil
			if p.interactive {
				_, _ = io.WriteString(out, "poller: "+waitsFor(daemon.Status(time.Now()), drainTimeout)+"; press Ctrl-C again to stop immediately\n")
			}
		case <-p.hangup:
			s.reload(ended, daemon, log, p.files)
		}
	}
}

// waitsFor says what a stop waits for, and for how long at most.
func waitsFor(status app.Status, drainTimeout config.Duration) string {
	inHand, parked := 0, 0
	var polls time.Duration
	for _, q := range status.Queues {
		for _, n := range q.InHand {
			inHand += n
		}
		parked += q.Parked
		polls = max(polls, time.Duration(q.ReceivesEndWithin).Truncate(time.Second)+time.Second)
	}
	var waits []string
	if inHand > 0 {
		waits = append(waits, fmt.Sprintf("finishing or releasing %s in hand, up to %s (--drain-timeout)", counted(inHand, "message"), drainTimeout))
	}
	if parked > 0 {
		poll := "the open long poll"
		if parked > 1 {
			poll += "s"
		}
		waits = append(waits, fmt.Sprintf("waiting for %s, up to %s, to release what may still arrive", poll, polls))
	}
	if len(waits) == 0 {
		return "stopping"
	}
	return "stopping: " + strings.Join(waits, ", and ")
}

// reachable is an address as a browser of this machine takes it.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// reload puts in force what may change.
func (s *settings) reload(ctx context.Context, daemon *app.App, log *slog.Logger, files int) {
	settings, _, err := s.load() // variables are what they were at the start
	if err == nil {
		err = app.CheckFiles(settings, files)
	}
	if err != nil {
		log.ErrorContext(ctx, "the settings were read again and are wrong: the old ones stay in force", slog.Any("error", err))
		return
	}
	changed, restart := daemon.Reload(settings)
	log.InfoContext(ctx, "the settings were read again", slog.String("changed", listed(changed)))
	if len(restart) > 0 {
		log.WarnContext(ctx, "some settings changed that are not in force before a restart", slog.String("restart", listed(restart)))
	}
}

// warn logs what is wrong with the variables.
func warn(ctx context.Context, log *slog.Logger, warnings []string) {
	for _, text := range warnings {
		log.WarnContext(ctx, "a variable was not understood", slog.String("reason", text))
	}
}

func listed(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.Join(texts, "; ")
}
