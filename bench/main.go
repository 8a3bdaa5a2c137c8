// Command bench measures what the worker costs beside the least that an SQS worker
// on the AWS SDK can cost: the floor, which receives by tens, delivers over
// keep-alive HTTP and deletes by batches, and does nothing else.
//
//	go run ./bench
//
// Floor and worker run in turn, each as a process of its own, against the embedded
// SQS server in another process and a target in a third that answers at once.
// Figures are medians, and ratios to the floor of the same run: machines are noisy.
// Everything stays on 127.0.0.1.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
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

// run is one of the processes: without a role, the one that starts the others.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "role-sqs":
			return serveSQS(ctx)
		case "role-target":
			return serveTarget(ctx)
		case "role-floor":
			return floor(ctx, args[1:])
		}
	}
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.messages, "messages", 20_000, "messages a run")
	flags.IntVar(&o.size, "size", 200, "bytes of a body")
	flags.IntVar(&o.concurrency, "concurrency", 64, "deliveries at once")
	flags.IntVar(&o.rounds, "rounds", 5, "runs of each")
	flags.StringVar(&o.poller, "poller", "", "the poller binary; empty: it is built")
	flags.StringVar(&o.peer, "peer", "", "another binary to run as a third, with poller's flags")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return compare(ctx, o)
}
