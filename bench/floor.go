package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	floorReceivers = 8
	floorDeleters  = 4
	// floorVisibility, in seconds, is short so that a run does not last 30 s longer
	// when the SDK has lost an answer.
	floorVisibility = 2
)

// floor is the minimal worker. Its arguments are queue URL, target and concurrency. It
// runs until it is stopped.
func floor(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("role-floor needs a queue URL, a target and a concurrency")
	}
	concurrency, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(
		func(t *http.Transport) { t.MaxIdleConnsPerHost = 32 })))
	if err != nil {
		return err
	}
	client := sqs.NewFromConfig(cfg)
	transport := &http.Transport{MaxIdleConnsPerHost: concurrency + 16}
	messages := make(chan types.Message, 10*floorReceivers)
	done := make(chan types.Message, 10*floorDeleters)

	var receivers, deliverers, deleters sync.WaitGroup
	for range floorReceivers {
		receivers.Go(func() { floorReceive(ctx, client, args[0], messages) })
	}
	for range concurrency {
		deliverers.Go(func() {
			for m := range messages {
				if floorDeliver(transport, args[1], m) {
					done <- m
				}
			}
		})
	}
	for range floorDeleters {
		deleters.Go(func() { floorDelete(context.WithoutCancel(ctx), client, args[0], done) })
	}
	receivers.Wait()
	close(messages)
	deliverers.Wait()
	close(done)
	deleters.Wait()
	return nil
}

func floorReceive(ctx context.Context, client *sqs.Client, url string, messages chan<- types.Message) {
	for ctx.Err() == nil {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20, VisibilityTimeout: floorVisibility,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"SentTimestamp", "ApproximateReceiveCount"},
			MessageAttributeNames:       []string{"All"},
		})
		if err != nil {
			continue
		}
		for _, m := range out.Messages {
			messages <- m
		}
	}
}

func floorDeliver(transport *http.Transport, target string, m types.Message) bool {
	r, err := http.NewRequest(http.MethodPost, target, bytes.NewReader([]byte(*m.Body))) //nolint:noctx,gosec // the floor does nothing more than it must
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Poller-Message-Id", *m.MessageId)
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode/100 == 2
}

func floorDelete(ctx context.Context, client *sqs.Client, url string, done <-chan types.Message) {
	for m := range done {
		batch := []types.DeleteMessageBatchRequestEntry{{Id: aws.String("0"), ReceiptHandle: m.ReceiptHandle}}
		linger := time.After(time.Second)
	fill:
		for len(batch) < 10 {
			select {
			case m, ok := <-done:
				if !ok {
					break fill
				}
				batch = append(batch, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(len(batch))), ReceiptHandle: m.ReceiptHandle})
			case <-linger:
				break fill
			}
		}
		_, _ = client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: batch})
	}
}
