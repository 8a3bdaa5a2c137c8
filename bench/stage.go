package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// ourselves is in the User-Agent of the requests that are not the worker's.
const ourselves = "the-bench-itself"

// stage is what an experiment runs on: an SQS server and a target of its own.
type stage struct {
	options       options
	queue, target *server
	client        *sqs.Client
	url           string
	to            string // where messages are delivered
	page          string // where the worker listens
	environment   []string
	dir           string // of the worker's file
	cage          cage
}

func newStage(ctx context.Context, o options) (*stage, error) {
	s, err := newStageWith(ctx, o, "role-target")
	if err == nil {
		s.to = s.target.address
	}
	return s, err
}

// newStageWith has the target that is named; to is the caller's to set.
func newStageWith(ctx context.Context, o options, target string) (*stage, error) {
	s := &stage{options: o, page: "127.0.0.1:0"}
	var err error
	if s.dir, err = os.MkdirTemp("", "poller-bench"); err != nil {
		return nil, err
	}
	if s.queue, err = start(ctx, "role-sqs"); err != nil {
		return nil, err
	}
	if s.target, err = start(ctx, target); err != nil {
		s.close()
		return nil, err
	}
	s.environment = append(neutral(os.Environ()), "AWS_ENDPOINT_URL_SQS="+s.queue.address, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true")
	s.client = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &s.queue.address,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "any", SecretAccessKey: "any"}, nil
		}),
	}, sqs.WithAPIOptions(awsmiddleware.AddUserAgentKey(ourselves)))
	created, err := s.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("bench")})
	if err != nil {
		s.close()
		return nil, err
	}
	s.url = *created.QueueUrl
	return s, nil
}

// neutral leaves out what would change what a worker does or holds, such as a
// bundle of certificates.
func neutral(environment []string) []string {
	return slices.DeleteFunc(environment, func(pair string) bool {
		for _, prefix := range []string{"AWS_", "POLLER_", "GOGC=", "GOMEMLIMIT=", "GODEBUG="} {
			if strings.HasPrefix(pair, prefix) {
				return true
			}
		}
		return false
	})
}

func (s *stage) close() {
	_ = os.RemoveAll(s.dir)
	s.queue.stop()
	if s.target != nil {
		s.target.stop()
	}
}

// fill sends n messages, in their order.
func (s *stage) fill(ctx context.Context, n int, body func(i int) string) error {
	const senders = 4
	if n < 2000 { // where the order matters
		return s.send(ctx, 0, n, body)
	}
	var all sync.WaitGroup
	failures := make([]error, senders)
	for i := range senders {
		all.Go(func() { failures[i] = s.send(ctx, n*i/senders, n*(i+1)/senders, body) })
	}
	all.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) send(ctx context.Context, from, to int, body func(i int) string) error {
	for from < to {
		var entries []types.SendMessageBatchRequestEntry
		for size := 0; from < to && len(entries) < 10; from++ {
			text := body(from)
			if size += len(text); size > 1<<20 && len(entries) > 0 {
				break
			}
			entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(from)), MessageBody: &text})
		}
		if _, err := s.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &s.url, Entries: entries}); err != nil {
			return fmt.Errorf("fill the queue: %w", err)
		}
	}
	return nil
}

// depth is how many messages the queue holds.
func (s *stage) depth(ctx context.Context) (visible, inFlight int, err error) {
	return s.depthOf(ctx, s.url)
}

func (s *stage) depthOf(ctx context.Context, url string) (visible, inFlight int, err error) {
	out, err := s.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return 0, 0, err
	}
	visible, _ = strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
	inFlight, _ = strconv.Atoi(out.Attributes["ApproximateNumberOfMessagesNotVisible"])
	return visible, inFlight, nil
}

// deadLetters gives the queue a dead-letter queue, and says its URL.
func (s *stage) deadLetters(ctx context.Context, receives int) (string, error) {
	dead, err := s.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead")})
	if err != nil {
		return "", err
	}
	arn := string(types.QueueAttributeNameQueueArn)
	of, err := s.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: dead.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", err
	}
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, of.Attributes[arn], receives)
	_, err = s.client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: &s.url, Attributes: map[string]string{string(types.QueueAttributeNameRedrivePolicy): policy},
	})
	return *dead.QueueUrl, err
}

// asked returns the worker's requests to SQS since the last call.
func (s *stage) asked(ctx context.Context) (requests, error) {
	var r requests
	err := s.queue.ask(ctx, "/bench", &r)
	return r, err
}

// seen returns what the target has seen so far.
func (s *stage) seen(ctx context.Context) (arrivals, error) {
	var a arrivals
	err := s.target.ask(ctx, "/bench", &a)
	return a, err
}

// poller starts the worker to deliver to a path of the target.
func (s *stage) poller(ctx context.Context, binary, path string, concurrency int, flags ...string) (*worker, error) {
	path, flags = s.options.invoked(path, flags)
	args := append([]string{
		"run", "--queue", s.url, "--target", s.to + path, "--concurrency", strconv.Itoa(concurrency),
		"--listen", s.page, "--log-level", "warn",
	}, flags...)
	return startWorker(s.command(ctx, binary, args...), s.environment)
}

// command runs a binary, in the cage if there is one.
func (s *stage) command(ctx context.Context, binary string, args ...string) *exec.Cmd {
	if s.cage.path != "" {
		args = append([]string{"-c", s.cage.shell(), "sh", binary}, args...)
		binary = "/bin/sh"
	}
	return exec.CommandContext(ctx, binary, args...) //nolint:gosec // what the user named
}

// floor starts the floor.
func (s *stage) floor(ctx context.Context, path string, concurrency int) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "role-floor", s.url, s.to+path, strconv.Itoa(concurrency)) //nolint:gosec // this program itself
	return startWorker(cmd, s.environment)
}

// until polls until something has happened.
func until(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	over := time.After(limit)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return fmt.Errorf("it did not happen within %s", limit)
		case <-tick.C:
		}
		if ok, err := done(); ok || err != nil {
			return err
		}
	}
}

// delivered waits until the target has answered n different messages and the
// queue is empty.
func (s *stage) delivered(ctx context.Context, n int) (arrivals, error) {
	var a arrivals
	err := until(ctx, 3*time.Minute, func() (bool, error) {
		var err error
		if a, err = s.seen(ctx); err != nil || a.Different < n || a.Running > 0 {
			return false, err
		}
		visible, inFlight, err := s.depth(ctx)
		return visible+inFlight == 0, err
	})
	if err != nil {
		return a, fmt.Errorf("%d of %d messages were delivered: %w", a.Different, n, err)
	}
	return a, nil
}

// pause waits for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
