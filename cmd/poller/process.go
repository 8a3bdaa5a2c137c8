package main

import (
	"context"
	"io"
	"os"
)

// process is what a verb gets from main: the streams, what is known of them,
// and the contexts that the signals end. Verbs never look at os.Stdout, os.Args
// or signals themselves, so that a test can run one inside the test process.
type process struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	// terminal reports whether stdout is a terminal: progress lines are for it alone.
	terminal bool
	// columns is how wide stdout's terminal is; 0: that is not known.
	columns int
	// interactive reports whether stderr is a terminal: logs are text there.
	interactive bool
	// color reports whether stderr is a terminal and NO_COLOR is not set.
	color bool

	// files is how many files may be open; 0: any number.
	files int

	// drain is done at the first SIGINT or SIGTERM: finish what has begun.
	drain context.Context //nolint:containedctx // a process stands for the whole program, as its contexts do
	// now is done at the second: exit immediately.
	now context.Context //nolint:containedctx // as above
	// outlive has the process go on when those who read stdout or stderr are gone: a
	// write to a pipe that nobody reads would end it. Nil: nothing ends it.
	outlive func()
	// hangup gets each SIGHUP: read the pace and the log level again.
	hangup <-chan os.Signal
}

// exit is an error that says with which code the process ends. A verb that
// returns any other error ends with 1. A nil err prints nothing.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }
