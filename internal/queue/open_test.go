package queue

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
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
		{"https://sqs-fips.us-east-1.amazonaws.com/1/orders", "", []string{"set AWS_USE_FIPS_ENDPOINT=true"}},
		{"https://sqs.us-east-1.api.aws/1/orders", "", []string{"set AWS_USE_DUALSTACK_ENDPOINT=true"}},
		{"https://sqs-fips.us-east-1.api.aws/1/orders", "", []string{"AWS_USE_FIPS_ENDPOINT=true and AWS_USE_DUALSTACK_ENDPOINT=true"}},
		{"https://sqs.us-east-1.amazonaws.example/1/orders", "", []string{"AWS_ENDPOINT_URL_SQS"}},
		{"https://sqs.amazonaws.com/1/orders", "", []string{"AWS_ENDPOINT_URL_SQS"}},
		{"two words", "", []string{`"two words"`, "use a URL"}},
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
		{"an invalid region", "AWS_REGION", "us east", []string{"AWS_REGION"}},
		{"a missing CA bundle", "AWS_CA_BUNDLE", "/nowhere.pem", []string{"/nowhere.pem"}},
		{"a missing profile", "AWS_PROFILE", "nobody", []string{"nobody"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings(t)
			t.Setenv(tt.variable, tt.value)
			if tt.variable == "AWS_REGION" && tt.value != "" {
				_ = os.Unsetenv("AWS_ENDPOINT_URL_SQS")
			}
			c, err := NewClient(t.Context(), Options{Logger: quiet()})
			if err == nil {
				t.Fatalf("NewClient succeeded, for %s", c.Endpoint())
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
		t.Fatal("IsDenied is false for a denial")
	}
	_, err = c.Open(t.Context(), "orders")
	wantFault(t, err, message.Refused, "allow sqs:GetQueueUrl")
}

func TestSQSIsKnownInEveryPartition(t *testing.T) {
	for host, want := range map[string]string{
		"sqs.eu-central-1.amazonaws.com":              "eu-central-1",
		"SQS.EU-Central-1.amazonaws.com":              "eu-central-1",
		"sqs.us-gov-west-1.amazonaws.com":             "us-gov-west-1",
		"sqs.cn-north-1.amazonaws.com.cn":             "cn-north-1",
		"sqs.cn-north-1.api.amazonwebservices.com.cn": "cn-north-1",
		"sqs.eusc-de-east-1.amazonaws.eu":             "eusc-de-east-1",
		"sqs.eusc-de-east-1.api.amazonwebservices.eu": "eusc-de-east-1",
		"sqs.us-iso-east-1.c2s.ic.gov":                "us-iso-east-1",
		"sqs.us-isob-east-1.sc2s.sgov.gov":            "us-isob-east-1",
		"sqs.eu-isoe-west-1.cloud.adc-e.uk":           "eu-isoe-west-1",
		"sqs.us-isof-south-1.csp.hci.ic.gov":          "us-isof-south-1",
		"sqs-fips.ca-west-1.amazonaws.com":            "ca-west-1",
		"sqs.xx-somewhere-9.amazonaws.com":            "xx-somewhere-9",
		"eu-west-1.queue.amazonaws.com":               "eu-west-1",
		"cn-north-1.queue.amazonaws.com.cn":           "cn-north-1",
		"queue.amazonaws.com":                         "us-east-1",
		"sqs.us-east-1.amazonaws.com.evil.example":    "",
		"sqs.eusc-de-east-1.amazonaws.com":            "",
		"sqs.us-east-1.amazonaws.eu":                  "",
		"vpce-1.sqs.us-east-1.vpce.amazonaws.com":     "",
		"sqs.us-east-1.localhost.localstack.cloud":    "",
		"elasticmq": "",
		"127.0.0.1": "",
	} {
		if got, _, known := whereIs(t.Context(), host); got != want || known != (want != "") {
			t.Errorf("%s is in region %q, want %q", host, got, want)
		}
	}
}

func TestAQueueURLOfAnyPartitionIsOpenedByAClientOfItsRegion(t *testing.T) {
	settings(t)
	_ = os.Unsetenv("AWS_ENDPOINT_URL_SQS")
	for _, tt := range []struct{ region, fips, dualStack, url, endpoint string }{
		{"eusc-de-east-1", "", "", "https://sqs.eusc-de-east-1.amazonaws.eu/1/orders", "https://sqs.eusc-de-east-1.amazonaws.eu"},
		{"us-iso-east-1", "", "", "https://sqs.us-iso-east-1.c2s.ic.gov/1/orders", "https://sqs.us-iso-east-1.c2s.ic.gov"},
		{"us-east-1", "true", "", "https://sqs-fips.us-east-1.amazonaws.com/1/orders", "https://sqs-fips.us-east-1.amazonaws.com"},
		{"us-east-1", "true", "", "https://sqs.us-east-1.amazonaws.com/1/orders", "https://sqs-fips.us-east-1.amazonaws.com"},
		{"us-gov-west-1", "true", "", "https://sqs.us-gov-west-1.amazonaws.com/1/orders", "https://sqs.us-gov-west-1.amazonaws.com"},
		{"eu-central-1", "", "true", "https://sqs.eu-central-1.api.aws/1/orders", "https://sqs.eu-central-1.api.aws"},
	} {
		t.Setenv("AWS_REGION", tt.region)
		t.Setenv("AWS_USE_FIPS_ENDPOINT", tt.fips)
		t.Setenv("AWS_USE_DUALSTACK_ENDPOINT", tt.dualStack)
		c := newTestClient(t, canned(200, nil, `{"Attributes":{}}`), nil)
		if _, err := c.Open(t.Context(), tt.url); err != nil {
			t.Errorf("%s: %v", tt.url, err)
		}
		if c.Endpoint() != tt.endpoint {
			t.Errorf("%s: requests go to %s", tt.url, c.Endpoint())
		}
	}
}

func TestAnEmulatorsDeadLetterQueueMayBeInARegionOfItsOwn(t *testing.T) {
	settings(t)
	b := newBench(t, "orders", nil)
	if _, err := b.client.OpenNamed(t.Context(), "arn:aws:sqs:elasticmq:000000000000:orders"); err != nil {
		t.Error(err)
	}
}
