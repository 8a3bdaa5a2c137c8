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
	// then for how long: what its start left behind is collected within two minutes.
	calm    = 75 * time.Second
	watched = time.Minute
)

// queues compares a worker of 300 queues and one target with one of a single queue.
func queues(ctx context.Context, o options) ([]row, error) {
	var one, many, oneSteady, manySteady []float64 // µs of CPU a message
	var idleCPU, memory []float64
	for round := range max(1, o.rounds/2) {
		single, err := overQueues(ctx, o, 1)
		if err != nil {
			return nil, err
		}
		all, err := overQueues(ctx, o, manyQueues)
		if err != nil {
			return nil, err
		}
		one, many = append(one, single.whole), append(many, all.whole)
		oneSteady, manySteady = append(oneSteady, single.steady), append(manySteady, all.steady)
		idleCPU = append(idleCPU, all.idle/manyQueues)
		memory = append(memory, (all.resident-single.resident)*1024/(manyQueues-1))
		progress("  round %d: one queue %.1f µs a message, %d queues %.1f (with a backlog in all, %.1f and %.1f); idle %.2f ms a minute and %.0f KiB a queue",
			round+1, single.whole, manyQueues, all.whole, single.steady, all.steady, all.idle/manyQueues, memory[len(memory)-1])
	}
	ratio := func(name string, many, one []float64) row {
		r := below(name, median(many)/median(one), 1.6, "%.2f")
		r.measured += fmt.Sprintf(" (%.1f µs, %.1f)", median(many), median(one))
		return r
	}
	return []row{
		ratio("300 queues, one target: CPU per message ÷ one queue", many, one),
		ratio("… while all of them have a backlog", manySteady, oneSteady),
		below("… idle: CPU a queue, ms a minute", median(idleCPU), 3, "%.2f"),
		below("… idle: memory a queue, KiB", median(memory), 150, "%.0f"),
	}, nil
}

// spent is what a worker of some queues takes.
type spent struct {
	// whole is CPU in µs a message, from the first receive to the last delete and what the
	// queues do once they are empty; steady is that of the middle half of the messages,
	// while every queue has some left.
	whole, steady float64
	idle          float64 // CPU in ms a minute
	resident      float64 // MiB, idle
}

// overQueues watches an idle worker, and then has another deliver a backlog that is spread
// over n queues. They receive as they do by default, with long polls of 20 s, and are not
// waited for at their end.
func overQueues(ctx context.Context, o options, n int) (is spent, err error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return is, err
	}
	defer s.close()
	w, err := s.pollerOf(ctx, n, "")
	if err != nil {
		return is, err
	}
	defer w.abandon()
	if err := pause(ctx, calm); err != nil {
		return is, err
	}
	before := w.cpu()
	if err := pause(ctx, watched); err != nil {
		return is, err
	}
	is.idle = float64((w.cpu() - before).Microseconds()) / 1000
	is.resident = w.memory("VmRSS")
	w.abandon()

	// The backlog is there before the worker may receive: it starts paused, so that its
	// start is not counted.
	if err := s.sendTo(ctx, n, o.messages); err != nil {
		return is, err
	}
	busy, err := s.pollerOf(ctx, n, "rate: 0")
	if err != nil {
		return is, err
	}
	defer busy.abandon()
	if err := pause(ctx, 15*time.Second); err != nil {
		return is, err
	}
	begin := moment{cpu: busy.cpu()}
	if err := s.hurry(busy); err != nil {
		return is, err
	}
	quarter, err := s.at(ctx, busy, o.messages/4)
	if err != nil {
		return is, err
	}
	most, err := s.at(ctx, busy, o.messages*3/4)
	if err != nil {
		return is, err
	}
	if err := s.arrived(ctx, o.messages); err != nil {
		return is, err
	}
	if err := pause(ctx, 6*time.Second); err != nil { // the deletes linger
		return is, err
	}
	is.whole = begin.until(moment{busy.cpu(), o.messages})
	is.steady = quarter.until(most)
	return is, nil
}

// moment is what a worker has used once so many messages have been answered.
type moment struct {
	cpu      time.Duration
	messages int
}

// until returns the CPU a message between two moments, in µs.
func (m moment) until(later moment) float64 {
	return float64((later.cpu - m.cpu).Microseconds()) / float64(later.messages-m.messages)
}

// at waits until the target has answered n different messages.
func (s *stage) at(ctx context.Context, w *worker, n int) (moment, error) {
	var m moment
	err := until(ctx, time.Minute, func() (bool, error) {
		a, err := s.seen(ctx)
		m = moment{w.cpu(), a.Different}
		return a.Different >= n, err
	})
	return m, err
}

// hurry has a worker that was started paused deliver.
func (s *stage) hurry(w *worker) error {
	path := filepath.Join(s.dir, "poller.yaml")
	text, err := os.ReadFile(path) //nolint:gosec // the bench's own
	if err != nil {
		return err
	}
	text = []byte(strings.Replace(string(text), "rate: 0\n", "rate: 1000000/s\n", 1))
	if err := os.WriteFile(path, text, 0o600); err != nil { //nolint:gosec // the same
		return err
	}
	return w.cmd.Process.Signal(syscall.SIGHUP)
}

func queueName(i int) string { return "bench-" + strconv.Itoa(i) }

// pollerOf starts a worker of n new queues; target is a setting of their target, if any.
func (s *stage) pollerOf(ctx context.Context, n int, target string, flags ...string) (*worker, error) {
	var file strings.Builder
	file.WriteString("queues:\n")
	for i := range n {
		if _, err := s.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queueName(i))}); err != nil {
			return nil, err
		}
		file.WriteString("- queue: " + queueName(i) + "\n")
	}
	fmt.Fprintf(&file, "targets:\n  default:\n    url: %s/\n    concurrency: %d\n    %s\n", s.to, s.options.concurrency, target)
	path := filepath.Join(s.dir, "poller.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		return nil, err
	}
	args := append([]string{"run", "--config", path, "--listen", s.page, "--log-level", "warn"}, flags...)
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
