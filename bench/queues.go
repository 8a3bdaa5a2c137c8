package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	manyQueues = 300
	// calm is how long a worker with many queues is left alone before it is watched, and
	// then for how long.
	calm    = 45 * time.Second
	watched = time.Minute
)

// queues compares a worker of 300 queues and one target with one of a single queue.
func queues(ctx context.Context, o options) ([]row, error) {
	var one, many []float64 // µs of CPU a message
	var idleCPU, memory []float64
	for round := range max(1, o.rounds/2) {
		single, _, alone, err := overQueues(ctx, o, 1)
		if err != nil {
			return nil, err
		}
		all, used, resident, err := overQueues(ctx, o, manyQueues)
		if err != nil {
			return nil, err
		}
		one, many = append(one, single), append(many, all)
		idleCPU = append(idleCPU, used/manyQueues)
		memory = append(memory, (resident-alone)*1024/(manyQueues-1))
		progress("  round %d: one queue %.1f µs a message, %d queues %.1f; idle %.2f ms a minute and %.0f KiB a queue",
			round+1, single, manyQueues, all, used/manyQueues, memory[len(memory)-1])
	}
	cost := below("300 queues, one target: CPU per message ÷ one queue", median(many)/median(one), 1.6, "%.2f")
	cost.measured += fmt.Sprintf(" (%.1f µs, %.1f)", median(many), median(one))
	return []row{
		cost,
		below("… idle: CPU a queue, ms a minute", median(idleCPU), 3, "%.2f"),
		below("… idle: memory a queue, KiB", median(memory), 150, "%.0f"),
	}, nil
}

// overQueues watches an idle worker, and then has it deliver a backlog that is spread over
// n queues: CPU in µs a message, in ms a minute idle, and resident memory in MiB.
func overQueues(ctx context.Context, o options, n int) (cpu, idle, resident float64, err error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return 0, 0, 0, err
	}
	defer s.close()
	w, err := s.pollerOf(ctx, n)
	if err != nil {
		return 0, 0, 0, err
	}
	defer w.abandon()
	if err := pause(ctx, calm); err != nil {
		return 0, 0, 0, err
	}
	before := w.cpu()
	if err := pause(ctx, watched); err != nil {
		return 0, 0, 0, err
	}
	idle = float64((w.cpu() - before).Microseconds()) / 1000
	resident = w.memory("VmRSS")
	if _, err := w.end(); err != nil {
		return 0, 0, 0, err
	}

	// The backlog is there before the worker may receive: it starts paused, so that its
	// start is not counted.
	if err := s.sendTo(ctx, n, o.messages); err != nil {
		return 0, 0, 0, err
	}
	if w, err = s.pollerOf(ctx, n, "--rate", "0"); err != nil {
		return 0, 0, 0, err
	}
	defer w.abandon()
	if err := pause(ctx, 15*time.Second); err != nil {
		return 0, 0, 0, err
	}
	before = w.cpu()
	if err := s.hurry(ctx, w, "1000000/s"); err != nil {
		return 0, 0, 0, err
	}
	if err := s.arrived(ctx, o.messages); err != nil {
		return 0, 0, 0, err
	}
	if err := pause(ctx, 6*time.Second); err != nil { // the deletes linger
		return 0, 0, 0, err
	}
	cpu = float64((w.cpu() - before).Microseconds()) / float64(o.messages)
	_, err = w.end()
	return cpu, idle, resident, err
}

// hurry changes the rate of a worker that runs.
func (s *stage) hurry(_ context.Context, w *worker, rate string) error {
	path := filepath.Join(s.dir, "poller.yaml")
	text, err := os.ReadFile(path) //nolint:gosec // the bench's own
	if err != nil {
		return err
	}
	text = []byte(strings.Replace(string(text), "rate: 0\n", "rate: "+rate+"\n", 1))
	if err := os.WriteFile(path, text, 0o600); err != nil { //nolint:gosec // the same
		return err
	}
	return w.cmd.Process.Signal(syscall.SIGHUP)
}

func queueName(i int) string { return "bench-" + strconv.Itoa(i) }

// pollerOf starts a worker of n new queues.
func (s *stage) pollerOf(ctx context.Context, n int, flags ...string) (*worker, error) {
	rate := ""
	if len(flags) == 2 && flags[0] == "--rate" {
		rate, flags = "    rate: "+flags[1]+"\n", nil
	}
	var file strings.Builder
	file.WriteString("queues:\n")
	for i := range n {
		if _, err := s.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queueName(i))}); err != nil {
			return nil, err
		}
		file.WriteString("- queue: " + queueName(i) + "\n")
	}
	fmt.Fprintf(&file, "targets:\n  default:\n    url: %s/\n    concurrency: %d\n%s", s.to, s.options.concurrency, rate)
	path := filepath.Join(s.dir, "poller.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		return nil, err
	}
	args := append([]string{"run", "--config", path, "--listen", s.page, "--log-level", "warn", "--drain-timeout", "6s"}, flags...)
	return startWorker(s.command(ctx, s.options.poller, args...), s.environment)
}

// sendTo sends messages to n queues in turn.
func (s *stage) sendTo(ctx context.Context, n, messages int) error {
	created := s.url
	defer func() { s.url = created }()
	text := `{"bench":"` + strings.Repeat("x", max(s.options.size-12, 0)) + `"}`
	for i := range n {
		s.url = created[:strings.LastIndexByte(created, '/')+1] + queueName(i)
		if err := s.send(ctx, messages*i/n, messages*(i+1)/n, func(int) string { return text }); err != nil {
			return err
		}
	}
	return nil
}
