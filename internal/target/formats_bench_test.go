package target

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// BenchmarkRequest measures what a request costs before it is sent, by format and signature,
// with a JSON body of 256 bytes.
func BenchmarkRequest(b *testing.B) {
	for _, test := range []struct {
		name, format string
		auth         Auth
	}{
		{"raw", "raw", Auth{}},
		{"sqsd", "sqsd", Auth{}},
		{"lambda", "lambda", Auth{}},
		{"cloudevents", "cloudevents", Auth{}},
		{"raw+webhook", "raw", Auth{Webhook: Webhook{Secrets: []string{firstSecret}}}},
		{"raw+aws", "raw", Auth{AWS: AWS{Service: "lambda", Region: "eu-central-1", Credentials: aws.CredentialsProvider(&fixed{})}}},
	} {
		b.Run(test.name, func(b *testing.B) {
			target, err := New(Options{URL: "http://orders.test/hook", Timeout: 30 * time.Second, Slots: 10, UserAgent: "poller/1", Format: test.format, Auth: test.auth})
			if err != nil {
				b.Fatal(err)
			}
			defer target.Close()
			m := msg(benchBody(256))
			from := source{queue: "orders", arn: ordersARN, region: "eu-central-1"}
			b.ReportAllocs()
			for b.Loop() {
				x := target.request(b.Context(), from, parcel{first: m})
				if err := target.sign(b.Context(), x, m.ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fixed are credentials that do not change.
type fixed struct{}

func (*fixed) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
}
