package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"poller/internal/app"
	"poller/internal/config"
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

Receives from the queue, delivers each message to the target at its pace, and
deletes what was delivered. Region and credentials are the AWS SDK's own variables
(AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_SQS, …). SIGTERM and Ctrl-C end it once
what is begun is finished; a second one ends it at once. SIGHUP reads rate, burst,
concurrency, the number of replicas and the log level again.

It exits with 0 after a complete drain, 1 if a setting is wrong or SQS refused at the
start, 3 if something was left behind, 130 after a second signal.`
}

// Run is the daemon.
func (c *runCmd) Run(p *process) error {
	settings, warnings, err := c.loadOrSay(p)
	if err != nil {
		return err
	}
	daemon, end, err := c.start(p, p.stderr, settings, warnings, 0)
	if err != nil {
		return err
	}
	defer end()
	summary, err := daemon.Run(p.drain, p.now)
	if err != nil {
		return err
	}
	if summary.Stranded > 0 || summary.CutOff > 0 {
		return exit{code: codeLeft}
	}
	return nil
}

// loadOrSay is load; where it fails, the warnings are said here, since there will be
// no log.
func (s *settings) loadOrSay(p *process) (config.Config, []string, error) {
	c, warnings, err := s.load()
	if err != nil {
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
	daemon, err = app.New(p.drain, c, app.Options{Logger: log, Level: level, Build: build(), MaxWait: maxWait})
	if err != nil {
		closeLog()
		return nil, nil, err
	}
	ended, stop := context.WithCancel(p.now)
	go s.watch(ended, p, daemon, log)
	return daemon, func() { stop(); closeLog() }, nil
}

// watch reads the settings again at each SIGHUP, and says how to hurry the first
// Ctrl-C, until the daemon has ended.
func (s *settings) watch(ended context.Context, p *process, daemon *app.App, log *slog.Logger) {
	drain := p.drain.Done()
	for {
		select {
		case <-ended.Done():
			return
		case <-drain:
			drain = nil
			if p.interactive {
				_, _ = io.WriteString(p.stderr, "poller: finishing what is in hand; press Ctrl-C again to end at once\n")
			}
		case <-p.hangup:
			s.reload(ended, daemon, log, p.files)
		}
	}
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

// warn logs what is odd about the variables.
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
