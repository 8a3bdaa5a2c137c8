package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type options struct {
	messages, size, concurrency, rounds int
	poller, peer                        string
}

// figures are one run's.
type figures struct {
	cpu      float64 // µs a message
	rate     float64 // messages a second, from the first arrival to the last
	requests float64 // to SQS, a message
	memory   float64 // peak resident, MiB
	again    int     // delivered more than once
}

// compare runs floor and worker in turn and prints the table.
func compare(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "poller-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if o.poller == "" {
		o.poller = filepath.Join(dir, "poller")
		fmt.Fprintln(os.Stderr, "building poller")
		if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", o.poller, "./cmd/poller").CombinedOutput(); err != nil { //nolint:gosec // our own command
			return fmt.Errorf("build poller: %w: %s", err, out)
		}
	}
	subjects := []string{"floor", "poller"}
	if o.peer != "" {
		subjects = append(subjects, "peer")
	}
	results := make(map[string][]figures)
	for round := range o.rounds {
		for _, subject := range subjects {
			f, err := measure(ctx, o, subject)
			if err != nil {
				return fmt.Errorf("%s: %w", subject, err)
			}
			results[subject] = append(results[subject], f)
			fmt.Fprintf(os.Stderr, "round %d of %d  %-6s  %.1f µs a message, %.0f a second\n", round+1, o.rounds, subject, f.cpu, f.rate)
		}
	}
	return table(o, subjects, results)
}

func table(o options, subjects []string, results map[string][]figures) error {
	fmt.Printf("%d messages of %d bytes, %d at once, medians of %d rounds\n\n", o.messages, o.size, o.concurrency, o.rounds)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\t")
	for _, s := range subjects {
		fmt.Fprint(w, s, "\t")
	}
	fmt.Fprintln(w, "÷ floor\t")
	for _, row := range []struct {
		name string
		of   func(figures) float64
	}{
		{"CPU a message, µs", func(f figures) float64 { return f.cpu }},
		{"messages a second", func(f figures) float64 { return f.rate }},
		{"SQS requests a message", func(f figures) float64 { return f.requests }},
		{"peak memory, MiB", func(f figures) float64 { return f.memory }},
		{"delivered again", func(f figures) float64 { return float64(f.again) }},
	} {
		fmt.Fprint(w, row.name, "\t")
		var first, second float64
		for i, s := range subjects {
			m := median(results[s], row.of)
			fmt.Fprintf(w, "%.4g\t", m)
			if i == 0 {
				first = m
			} else if i == 1 {
				second = m
			}
		}
		fmt.Fprintf(w, "%.3f\t\n", second/first)
	}
	return w.Flush()
}

func median(all []figures, of func(figures) float64) float64 {
	values := make([]float64, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// server is another process of this program, and where it listens.
type server struct {
	cmd     *exec.Cmd
	address string
}

func start(ctx context.Context, role string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, role) //nolint:gosec // this program itself
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	return &server{cmd: cmd, address: "http://" + strings.TrimSpace(line)}, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// ask gets what a server counted.
func (s *server) ask(ctx context.Context, method string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, s.address+"/bench", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	return json.NewDecoder(answer.Body).Decode(into)
}

// measure is one run of one subject, with servers of its own.
func measure(ctx context.Context, o options, subject string) (figures, error) {
	queue, err := start(ctx, "role-sqs")
	if err != nil {
		return figures{}, err
	}
	defer queue.stop()
	target, err := start(ctx, "role-target")
	if err != nil {
		return figures{}, err
	}
	defer target.stop()
	environment := append(os.Environ(), "AWS_ENDPOINT_URL_SQS="+queue.address, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true")
	for _, pair := range environment[len(environment)-5:] {
		name, value, _ := strings.Cut(pair, "=")
		if err := os.Setenv(name, value); err != nil {
			return figures{}, err
		}
	}
	url, err := fill(ctx, o)
	if err != nil {
		return figures{}, fmt.Errorf("fill the queue: %w", err)
	}
	var counts map[string]int
	if err := queue.ask(ctx, http.MethodGet, &counts); err != nil {
		return figures{}, err
	}

	cmd, err := command(ctx, o, subject, url, target.address)
	if err != nil {
		return figures{}, err
	}
	cmd.Env = environment
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return figures{}, err
	}
	f, err := watch(ctx, o, url, target, queue)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return figures{}, err
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	f.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() * 1e6 / float64(o.messages)
	f.memory = float64(usage.Maxrss) / 1024
	return f, nil
}

func command(ctx context.Context, o options, subject, url, target string) (*exec.Cmd, error) {
	concurrency := strconv.Itoa(o.concurrency)
	switch subject {
	case "floor":
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return exec.CommandContext(ctx, self, "role-floor", url, target, concurrency), nil //nolint:gosec // this program itself
	case "peer":
		o.poller = o.peer
	}
	return exec.CommandContext(ctx, o.poller, "run", "--queue", url, "--target", target+"/", "--concurrency", concurrency, //nolint:gosec // what the user named
		"--listen", "127.0.0.1:0", "--log-level", "warn", "--drain-timeout", "6s"), nil
}

// fill makes a queue of that many messages.
func fill(ctx context.Context, o options) (string, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", err
	}
	client := sqs.NewFromConfig(cfg)
	created, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("bench")})
	if err != nil {
		return "", err
	}
	body := `{"bench":"` + strings.Repeat("x", max(o.size-12, 0)) + `"}`
	var senders sync.WaitGroup
	failures := make(chan error, 4)
	for part := range 4 {
		senders.Go(func() {
			for left := (o.messages + part) / 4; left > 0; left -= 10 {
				var entries []types.SendMessageBatchRequestEntry
				for i := range min(left, 10) {
					entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body})
				}
				if _, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: created.QueueUrl, Entries: entries}); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	senders.Wait()
	select {
	case err := <-failures:
		return "", err
	default:
		return *created.QueueUrl, nil
	}
}

// watch waits until everything was delivered and deleted.
func watch(ctx context.Context, o options, url string, target, queue *server) (figures, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return figures{}, err
	}
	client := sqs.NewFromConfig(cfg)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(3 * time.Minute)
	var seen arrivals
	asked := 0
	for {
		select {
		case <-ctx.Done():
			return figures{}, ctx.Err()
		case <-limit:
			return figures{}, fmt.Errorf("%d of %d messages were delivered in three minutes", seen.N, o.messages)
		case <-tick.C:
		}
		if err := target.ask(ctx, http.MethodGet, &seen); err != nil {
			return figures{}, err
		}
		if seen.N < o.messages {
			continue
		}
		asked++
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			return figures{}, err
		}
		if out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0" {
			break
		}
	}
	counts := make(map[string]int)
	if err := queue.ask(ctx, http.MethodGet, &counts); err != nil {
		return figures{}, err
	}
	requests := -asked
	for _, n := range counts {
		requests += n
	}
	return figures{
		rate:     float64(seen.N-1) / seen.Last.Sub(seen.First).Seconds(),
		requests: float64(requests) / float64(o.messages),
		again:    seen.Again,
	}, nil
}
