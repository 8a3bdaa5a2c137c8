// Command bench measures the whole program: what the worker costs compared with a
// minimal SQS worker on the AWS SDK, and whether it meets its goals for pace, memory,
// start and stop.
//
//	go run ./bench
//	go run ./bench -only throughput,rate
//	go run ./bench -batch 10
//
// The minimal worker is the floor (floor.go): it receives ten messages at a time,
// delivers over keep-alive HTTP and deletes in batches, and does nothing else. Floor and
// worker run alternately, each in its own process, against the embedded SQS server in
// another process and a target in a third. The worker is built as for a release. Figures
// are medians and ratios to the floor of the same run, since machines are noisy.
// Everything stays on 127.0.0.1. The table goes to stdout, progress to stderr.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	messages, size, concurrency, rounds int
	outages, batch                      int
	idle, trickle                       time.Duration
	poller, peer, only                  string
	quick                               bool
}

// run is one of the processes: without a role, the one that starts the others.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "role-sqs":
			return serveSQS(ctx)
		case "role-target":
			return serveTarget(ctx)
		case "role-sink":
			return serveSink(ctx)
		case "role-floor":
			return floor(ctx, args[1:])
		}
	}
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.messages, "messages", 20_000, "messages of a throughput run")
	flags.IntVar(&o.size, "size", 200, "bytes of a body there")
	flags.IntVar(&o.concurrency, "concurrency", 64, "concurrent deliveries there")
	flags.IntVar(&o.rounds, "rounds", 7, "throughput runs of each")
	flags.IntVar(&o.outages, "outages", 2, "outages of each kind")
	flags.IntVar(&o.batch, "batch", 0, "have the worker send so many messages in a request, by format lambda: of the parts "+strings.Join(functionParts, ", "))
	flags.DurationVar(&o.idle, "idle", 3*time.Minute, "how long an idle queue is watched")
	flags.DurationVar(&o.trickle, "trickle", 20*time.Second, "how long to send a message every 50 ms, twice for each")
	flags.StringVar(&o.poller, "poller", "", "the poller binary; built if empty")
	flags.StringVar(&o.peer, "peer", "", "other binaries with poller's flags, for the throughput, separated by commas")
	flags.StringVar(&o.only, "only", "", "parts to run, of: "+strings.Join(names(), ", "))
	flags.BoolVar(&o.quick, "quick", false, "of the part memory, only the cases in which most can go wrong; exit with 1 if a goal is missed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.batch > 0 {
		if o.only == "" {
			o.only = strings.Join(functionParts, ",")
		}
		for name := range strings.SplitSeq(o.only, ",") {
			if !slices.Contains(functionParts, name) {
				return fmt.Errorf("-batch: the part %s sends no batches: use %s", name, strings.Join(functionParts, ", "))
			}
		}
	}
	return measure(ctx, o)
}
