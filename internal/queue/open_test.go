package queue

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"poller/internal/localsqs"
	"poller/internal/message"
)

func TestAQueueIsOpenedByURLARNOrName(t *testing.T) {
	settings(t)
	s := localsqs.New()
	defer s.Close()
	for name, attributes := range map[string]map[string]string{"orders": nil, "jobs.fifo": {"FifoQueue": "true"}} {
		if _, err := s.CreateQueue(name, attributes); err != nil {
			t.Fatal(err)
		}
	}
	c := newTestClient(t, s, nil)
	for ref, name := range map[string]string{
		"orders": "orders", "jobs.fifo": "jobs.fifo",
		"arn:aws:sqs:us-east-1:000000000000:orders":                 "orders",
		"http://127.0.0.1:9324/000000000000/orders":                 "orders",
		"http://elasticmq:1/000000000000/jobs.fifo":                 "jobs.fifo",
		"https://sqs.us-east-1.amazonaws.com/000000000000/orders":   "orders",
		"http://localhost:4566/queue/us-east-1/000000000000/orders": "orders",
	} {
		q, err := c.Open(t.Context(), ref)
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		if q.Name() != name || !strings.HasSuffix(q.URL(), "/"+name) {
			t.Errorf("%s is opened as %s, %s", ref, q.Name(), q.URL())
		}
	}
	for _, ref := range []string{"nothing", "arn:aws:sqs:us-east-1:123456789012:orders", "http://127.0.0.1:9324/000000000000/nothing"} {
		_, err := c.Open(t.Context(), ref)
		wantFault(t, err, message.Refused, "no such queue in region us-east-1 at http://127.0.0.1:9324")
	}
}

func TestAReferenceThatCannotBeMeantIsRefusedWithTheWayToWriteIt(t *testing.T) {
	settings(t)
	for _, tt := range []struct {
		ref, endpoint string
		says          []string
	}{
		{"", "", []string{"URL, ARN or name"}},
		{"two words", "", []string{`"two words"`, "neither a URL"}},
		{"arn:aws:sns:us-east-1:1:topic", "", []string{"arn:aws:sqs:REGION:ACCOUNT:NAME"}},
		{"arn:aws:sqs:eu-west-1:1:orders", "", []string{"eu-west-1", "us-east-1", "AWS_REGION=eu-west-1"}},
		{"https://sqs.eu-west-1.amazonaws.com/1/orders", "", []string{"AWS_REGION=eu-west-1"}},
		{"https://sqs.eu-west-1.amazonaws.com/1/orders", "http://127.0.0.1:9324", []string{"AWS_REGION=eu-west-1"}},
		{"https://eu-west-1.queue.amazonaws.com/1/orders", "", []string{"AWS_REGION=eu-west-1"}},
		{"https://sqs.cn-north-1.amazonaws.com.cn/1/orders", "", []string{"AWS_REGION=cn-north-1"}},
		{"http://localhost:9324/000000000000/orders", "", []string{"localhost:9324", "AWS_ENDPOINT_URL_SQS", "https://sqs.us-east-1.amazonaws.com"}},
		{"https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/orders", "", []string{"AWS_ENDPOINT_URL_SQS"}},
		{"https://sqs.us-east-1.amazonaws.com/orders", "", []string{"no account"}},
		{"https://user:secret@sqs.us-east-1.amazonaws.com/1/orders", "", []string{"without a user name"}},
		{"ftp://sqs.us-east-1.amazonaws.com/1/orders", "", []string{"https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"}},
	} {
		t.Setenv("AWS_ENDPOINT_URL_SQS", tt.endpoint)
		if tt.endpoint == "" {
			_ = os.Unsetenv("AWS_ENDPOINT_URL_SQS")
		}
		c := newTestClient(t, http.NotFoundHandler(), nil)
		_, err := c.Open(t.Context(), tt.ref)
		if err == nil || message.FaultOf(err) != message.NoFault {
			t.Errorf("%s: %v", tt.ref, err)
			continue
		}
		for _, part := range tt.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q shows a password", err)
		}
	}
}

func TestWhatIsMissingIsSaidAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name, variable, value string
		says                  []string
	}{
		{"no region", "AWS_REGION", "", []string{"no AWS region: set AWS_REGION"}},
		{"no credentials", "AWS_ACCESS_KEY_ID", "", []string{
			"no AWS credentials", "AWS_ACCESS_KEY_ID (not set)", "AWS_WEB_IDENTITY_TOKEN_FILE (not set)", "the profile default",
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (not set)", "AWS_EC2_METADATA_DISABLED is set",
		}},
		{"an endpoint without a scheme", "AWS_ENDPOINT_URL_SQS", "127.0.0.1:9324", []string{"AWS_ENDPOINT_URL_SQS", "http://"}},
		{"an endpoint with a password", "AWS_ENDPOINT_URL_SQS", "http://u:local-secret@h:1", []string{"AWS_ENDPOINT_URL_SQS"}},
		{"a region that is none", "AWS_REGION", "us east", []string{"AWS_REGION"}},
		{"authorities that are not there", "AWS_CA_BUNDLE", "/nowhere.pem", []string{"/nowhere.pem"}},
		{"a profile that is not there", "AWS_PROFILE", "nobody", []string{"nobody"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings(t)
			t.Setenv(tt.variable, tt.value)
			if tt.variable == "AWS_REGION" && tt.value != "" {
				_ = os.Unsetenv("AWS_ENDPOINT_URL_SQS")
			}
			c, err := NewClient(t.Context(), Options{Logger: quiet()})
			if err == nil {
				t.Fatalf("there is a client for %s", c.Endpoint())
			}
			for _, part := range tt.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "local-secret") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestAQueueIsOpenedByItsURLThoughItsAttributesMayNotBeRead(t *testing.T) {
	settings(t)
	c := newTestClient(t, canned(403, nil, errorBody("x#AccessDeniedException", "x")), nil)
	q, err := c.Open(t.Context(), "http://127.0.0.1:9324/000000000000/orders")
	if err != nil {
		t.Fatal(err)
	}
	_, err = q.Attributes(t.Context())
	wantFault(t, err, message.Refused, "allow sqs:GetQueueAttributes")
	if !IsDenied(err) || IsDenied(errors.New("x")) {
		t.Fatal("a denial is not told from other errors")
	}
	_, err = c.Open(t.Context(), "orders")
	wantFault(t, err, message.Refused, "allow sqs:GetQueueUrl")
}
