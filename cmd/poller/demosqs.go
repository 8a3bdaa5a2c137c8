package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/sqs-poller/poller/internal/demo"
)

// sender puts bodies on a queue, as an API Gateway does: one SendMessage each.
func sender(client *http.Client, endpoint, queueURL string) demo.Send {
	return func(ctx context.Context, body string) (string, error) {
		request, err := json.Marshal(map[string]string{"QueueUrl": queueURL, "MessageBody": body})
		if err != nil {
			return "", err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(request))
		if err != nil {
			return "", err
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
		answer, err := client.Do(r)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close() //nolint:errcheck // it was read
		var sent struct {
			MessageID string `json:"MessageId"`
		}
		if err := json.NewDecoder(answer.Body).Decode(&sent); err != nil || sent.MessageID == "" {
			return "", fmt.Errorf("SendMessage was answered with %d", answer.StatusCode)
		}
		return sent.MessageID, nil
	}
}

// useAWSSettings points the SDK at the embedded server, whatever the user's
// environment and files say of AWS, until restore is called.
func useAWSSettings(endpoint string) (restore func()) {
	saved := make(map[string]string)
	settings := map[string]string{
		"AWS_ENDPOINT_URL_SQS":        endpoint,
		"AWS_REGION":                  "us-east-1",
		"AWS_ACCESS_KEY_ID":           "demo",
		"AWS_SECRET_ACCESS_KEY":       "demo",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	}
	for _, setting := range os.Environ() {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			saved[name] = value
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range settings {
		_ = os.Setenv(name, value)
	}
	return func() {
		for name := range settings {
			_ = os.Unsetenv(name)
		}
		for name, value := range saved {
			_ = os.Setenv(name, value)
		}
	}
}
