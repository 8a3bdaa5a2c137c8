// Command poller takes messages off SQS queues at the pace that the downstream can
// take, and delivers each one to it.
//
// This package is the command line alone: verbs, flags, signals and exit codes. A
// verb gets the process it runs in as a value and knows no other.
package main

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/term"

	"github.com/sqs-poller/poller/internal/app"
)

func main() {
	setHeapGrowth()
	p, stop := newProcess()
	code := command(p, os.Args[1:])
	stop()
	os.Exit(code)
}

// newProcess is this operating system process: its streams, and contexts that its
// signals end.
func newProcess() (p *process, stop func()) {
	drain, endDrain := context.WithCancel(context.Background())
	now, endNow := context.WithCancel(context.Background())
	stops := make(chan os.Signal, 2)
	hangup := make(chan os.Signal, 1)
	signal.Notify(stops, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		<-stops
		endDrain()
		<-stops
		endNow()
		signal.Stop(stops) // a third one kills
	}()
	interactive := term.IsTerminal(int(os.Stderr.Fd()))
	return &process{
		stdin:       os.Stdin,
		stdout:      os.Stdout,
		stderr:      os.Stderr,
		terminal:    term.IsTerminal(int(os.Stdout.Fd())),
		columns:     columns(),
		interactive: interactive,
		color:       interactive && os.Getenv("NO_COLOR") == "",
		files:       app.FileLimit(),
		drain:       drain,
		now:         now,
		outlive:     func() { signal.Ignore(syscall.SIGPIPE) },
		hangup:      hangup,
	}, func() { endDrain(); endNow() }
}

// columns is how wide the terminal is, 0 if there is none. COLUMNS goes before it, as
// POSIX says.
func columns() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		return n
	}
	n, _, _ := term.GetSize(int(os.Stdout.Fd())) // 0 with an error
	return n
}
