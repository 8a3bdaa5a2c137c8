package receiver_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/receiver"
	"github.com/sqs-poller/poller/internal/target"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var sent = time.Date(2026, 11, 2, 9, 31, 0, 123e6, time.UTC)

// rich is a message with all that a message can have.
func rich() *message.Message {
	return &message.Message{
		ID: "m-1", Body: `{"a":"<é>"}`, SentAt: sent, FirstReceivedAt: sent.Add(time.Second), ReceiveCount: 2, SenderID: "AIDAEXAMPLE",
		GroupID: "customer-7", DeduplicationID: "d-1", SequenceNumber: "18849496460467696128", TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
		Attributes: map[string]message.Attribute{
			"tenant": {DataType: "String", StringValue: "7 é"}, "count": {DataType: "Number.int", StringValue: "42"},
			"blob": {DataType: "Binary", BinaryValue: []byte{1, 2}}, "ce-subject": {DataType: "String", StringValue: "a %é"},
		},
	}
}

// request is what a target got.
type request struct {
	*http.Request
	body []byte
}

// delivered returns the request that the worker makes of a message.
func delivered(t *testing.T, m *message.Message, change func(*target.Options)) request {
	t.Helper()
	var got request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = request{r.Clone(context.WithoutCancel(r.Context())), body}
	}))
	defer server.Close()
	o := target.Options{URL: server.URL + "/2015-03-31/functions/orders:live/invocations", Timeout: time.Minute, Slots: 1}
	change(&o)
	to, err := target.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	queue := "orders"
	if m.SequenceNumber != "" {
		queue += ".fifo"
	}
	route, err := to.From("arn:aws:sqs:eu-central-1:123456789012:" + queue)
	if err != nil {
		t.Fatal(err)
	}
	if result := route.Deliver(t.Context(), queue, m); result.Outcome != message.Delivered {
		t.Fatal(result)
	}
	return got
}

func TestWhatTheWorkerSendsIsRead(t *testing.T) {
	plain := rich()
	plain.SequenceNumber, plain.GroupID, plain.DeduplicationID, plain.Attributes, plain.Body = "", "", "", nil, "text"
	for _, name := range append(target.Formats(), "webhook") {
		for _, m := range []*message.Message{rich(), plain} {
			got := delivered(t, m, func(o *target.Options) {
				o.Format = name
				if name == "webhook" {
					o.Format, o.Auth.Webhook.Secrets = "raw", []string{oldSecret, newSecret}
				}
			})
			d, problem := receiver.Format(name).Read(got.Request, got.body)
			if problem != nil {
				t.Errorf("%s: %s: %v", name, problem, got.Header)
				continue
			}
			said := d.Messages[0].SentAt
			if len(d.Messages) != 1 || d.Messages[0].ID != "m-1" || name != "sqsd" && !said.Equal(sent) || d.Named != (name == "lambda") {
				t.Errorf("%s: %+v", name, d)
			}
		}
	}
}

// verifiers returns what verifies proofs, which are KIND=FILE or aws=SERVICE.
func verifiers(t *testing.T, proofs ...string) []receiver.Verifier {
	t.Helper()
	var all []receiver.Proof
	for _, text := range proofs {
		var p receiver.Proof
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	found, err := receiver.Verifiers(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// verified returns the first problem.
func verified(all []receiver.Verifier, r request) *receiver.Problem {
	for _, verify := range all {
		if problem := verify(r.Request, r.body); problem != nil {
			return problem
		}
	}
	return nil
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "@" + path
}

func wantProblem(t *testing.T, what string, got *receiver.Problem, status int, text string) {
	t.Helper()
	switch {
	case text == "" && got == nil:
	case got == nil || got.Status != status || !strings.Contains(got.Error(), text) || text == "":
		t.Errorf("%s: %v, want %d with %q", what, got, status, text)
	}
}

func TestTheWorkersWebhookSignatureIsVerified(t *testing.T) {
	got := delivered(t, rich(), func(o *target.Options) { o.Auth.Webhook.Secrets = []string{oldSecret} })
	changed := request{got.Request, []byte("{}")}
	unsigned := delivered(t, rich(), func(*target.Options) {})
	stale := request{got.Clone(t.Context()), got.body}
	stale.Header.Set("Webhook-Timestamp", "1")
	for _, c := range []struct {
		what   string
		files  []string
		of     request
		wanted string
	}{
		{"its secret", []string{oldSecret}, got, ""},
		{"a rotation", []string{newSecret, oldSecret}, got, ""},
		{"another secret", []string{newSecret}, got, "the secret is another"},
		{"a changed body", []string{oldSecret}, changed, "the body was changed"},
		{"no signature", []string{oldSecret}, unsigned, "the Webhook-Id header is missing"},
		{"an old one", []string{oldSecret}, stale, "compare the clocks"},
	} {
		var proofs []string
		for _, text := range c.files {
			proofs = append(proofs, "webhook="+file(t, text))
		}
		wantProblem(t, c.what, verified(verifiers(t, proofs...), c.of), 401, c.wanted)
	}
}

func TestABearerTokenIsVerified(t *testing.T) {
	with := func(value string) request {
		return delivered(t, rich(), func(o *target.Options) {
			if value != "" {
				o.Headers = []target.Header{{Name: "Authorization", Value: value}}
			}
		})
	}
	all := verifiers(t, "bearer="+file(t, "Bearer hunter2"), "bearer="+file(t, "hunter3"))
	for value, want := range map[string]string{
		"Bearer hunter2": "", "Bearer hunter3": "", "Bearer hunter4": "the bearer token is another",
		"": "the Authorization header is missing", "Basic hunter2": "does not begin with Bearer",
	} {
		wantProblem(t, value, verified(all, with(value)), 401, want)
	}
}

func TestTheWorkersAWSSignatureIsVerified(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": "a+token", "AWS_REGION": "eu-central-1",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	by := func(change func(*target.AWS), change2 ...func(*aws.Credentials)) request {
		found := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secretKey, SessionToken: "a+token"}
		for _, change := range change2 {
			change(&found)
		}
		return delivered(t, rich(), func(o *target.Options) {
			o.URL += "/a%20b/c%2Fd/~x?b=2&a=1&a=%2B&c"
			o.Headers = []target.Header{{Name: "X-Odd", Value: "a   b"}, {Name: "X-Odd", Value: "c"}}
			o.Auth.AWS = target.AWS{Service: "lambda", Region: "eu-central-1"}
			change(&o.Auth.AWS)
			o.Auth.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return found, nil })
		})
	}
	same := func(*target.AWS) {}
	good := by(same)
	changed := func(change func(r *http.Request)) request {
		r := good.Clone(t.Context())
		r.Header = maps.Clone(r.Header)
		change(r)
		return request{r, good.body}
	}
	header := func(name, value string) request {
		return changed(func(r *http.Request) { r.Header.Set(name, value) })
	}
	all := verifiers(t, "aws=lambda")
	for _, c := range []struct {
		what, want string
		of         request
	}{
		{"right", "", good},
		{"no signature", "the Authorization header is missing", changed(func(r *http.Request) { r.Header.Del("Authorization") })},
		{"a token", "not an AWS signature", header("Authorization", "Bearer x")},
		{"another service", "another service than lambda", by(func(a *target.AWS) { a.Service = "execute-api" })},
		{"another region", "another region than eu-central-1", by(func(a *target.AWS) { a.Region = "us-east-1" })},
		{"another key", "another access key", by(same, func(c *aws.Credentials) { c.AccessKeyID = "AKIDOTHER" })},
		{"another secret", "the secret key is another", by(same, func(c *aws.Credentials) { c.SecretAccessKey = "x" })},
		{"no session", "not the session token", by(same, func(c *aws.Credentials) { c.SessionToken = "" })},
		{"no date", "the X-Amz-Date header is not a time", header("X-Amz-Date", "today")},
		{"an old date", "compare the clocks", header("X-Amz-Date", "20261102T093100Z")},
		{"another header", "something between changed the request", header("X-Odd", "d")},
		{"another path", "something between changed the request", changed(func(r *http.Request) {
			u := *r.URL
			u.Path, u.RawPath = "/", ""
			r.URL = &u
		})},
		{"another host", "something between changed the request", changed(func(r *http.Request) { r.Host = "other" })},
		{"another body", "something between changed the request", request{good.Request, []byte("x")}},
		{"one more X-Amz-", "an X-Amz- header is not signed", header("X-Amz-Target", "x")},
		{"a header less", "a header that is signed is not there", changed(func(r *http.Request) { r.Header.Del("X-Odd") })},
		{"the host unsigned", "the host header is not signed", header("Authorization", strings.Replace(good.Header.Get("Authorization"), ";host;", ";", 1))},
	} {
		wantProblem(t, c.what, verified(all, c.of), 403, c.want)
	}
}

func TestAProofThatCannotBeUsedSaysWhatToWriteAndNoSecret(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "",
	} {
		t.Setenv(name, value)
	}
	for text, want := range map[string]string{
		"":                              "use webhook=@FILE, aws=SERVICE or bearer=@FILE",
		"hunter2":                       "use webhook=@FILE, aws=SERVICE or bearer=@FILE",
		"webhook=hunter2":               "use webhook=@FILE",
		"bearer=hunter2":                "use bearer=@FILE",
		"bearer=@":                      "use bearer=@FILE",
		"aws=":                          "such as aws=lambda",
		"aws=Hunter2":                   "such as aws=lambda",
		"aws=lambda":                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		"webhook=@/nowhere":             "webhook=@/nowhere: open /nowhere",
		"bearer=" + file(t, ""):         "the file is empty",
		"webhook=" + file(t, "hunter2"): "use whsec_ and 24 to 64 random bytes",
	} {
		var p receiver.Proof
		err := p.UnmarshalText([]byte(text))
		if err == nil {
			_, err = receiver.Verifiers(t.Context(), []receiver.Proof{p})
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(strings.ToLower(err.Error()), "hunter2") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
