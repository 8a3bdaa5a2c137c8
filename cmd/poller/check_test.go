package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

// refusing is an SQS server that denies some actions.
func refusing(s http.Handler, denied ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, action := range denied {
			if r.Header.Get("X-Amz-Target") == "AmazonSQS."+action {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"not authorized"}`)
				return
			}
		}
		s.ServeHTTP(w, r)
	})
}

func withQueues(t *testing.T, queues ...[2]string) *localsqs.Server {
	t.Helper()
	s := localsqs.New()
	t.Cleanup(s.Close)
	for _, q := range queues {
		attributes := map[string]string{}
		if err := json.Unmarshal([]byte(q[1]), &attributes); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateQueue(q[0], attributes); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// goodQueues have nothing to be warned of.
func goodQueues(t *testing.T) *localsqs.Server {
	t.Helper()
	return withQueues(t,
		[2]string{"orders-dlq", `{"MessageRetentionPeriod":"1209600"}`},
		[2]string{"orders", `{"VisibilityTimeout":"60","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:orders-dlq\",\"maxReceiveCount\":5}"}`},
	)
}

// untouched is a target that fails the test when a request comes.
func untouched(t *testing.T) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the target got a request") }))
	t.Cleanup(web.Close)
	return web.URL
}

func TestCheckFindsNothingWrongAndReceivesNothing(t *testing.T) {
	s := goodQueues(t)
	emulate(t, s)
	if _, errs, err := ran[sendCmd](t, "", "--queue", "orders", "a"); err != nil {
		t.Fatal(errs, err)
	}
	out, _, err := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t)+"/hook", "--strict")
	if err != nil || !strings.HasSuffix(out, "0 errors, 0 warnings\n") || strings.Contains(out, "warning ") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, part := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "orders-dlq", "can be reached"} {
		if !strings.Contains(out, part) {
			t.Errorf("no %q in\n%s", part, out)
		}
	}
	client, err := queue.NewClient(t.Context(), queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	q, err := client.Open(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	messages, err := q.Receive(t.Context(), 10, time.Second, 0, "")
	if err != nil || len(messages) != 1 || messages[0].ReceiveCount != 1 {
		t.Fatalf("the check has received: %v %v", messages, err)
	}
}

func TestCheckNamesTheMissingPermissions(t *testing.T) {
	for _, tt := range []struct {
		denied, want string
		code         int
	}{
		{"ReceiveMessage", "error    orders: ReceiveMessage on orders: access denied", 1},
		{"DeleteMessageBatch", "allow sqs:DeleteMessage", 1},
		{"ChangeMessageVisibilityBatch", "allow sqs:ChangeMessageVisibility", 1},
		{"GetQueueUrl", "allow sqs:GetQueueUrl", 1},
		{"GetQueueAttributes", "warning  orders: reading its attributes is not allowed", 0},
	} {
		emulate(t, refusing(goodQueues(t), tt.denied))
		out, _, err := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t))
		if !strings.Contains(out, tt.want) {
			t.Errorf("without %s: no %q in\n%s", tt.denied, tt.want, out)
		}
		if e, _ := errors.AsType[exit](err); e.code != tt.code {
			t.Errorf("without %s: exit code %d", tt.denied, e.code)
		}
	}
}

func TestCheckSaysAsJSONWhatIsWrong(t *testing.T) {
	emulate(t, withQueues(t, [2]string{"orders", `{}`}))
	taken := httptest.NewServer(http.NotFoundHandler())
	taken.Close()
	out, _, err := ran[checkCmd](t, "", "--queue", "orders", "--target", taken.URL, "--json")
	if e, _ := errors.AsType[exit](err); e.code != 1 || e.Error() != "" {
		t.Errorf("ended with %v", err)
	}
	var got struct {
		Errors, Warnings int
		Findings         findings
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Errors != 1 || got.Warnings != 2 || got.Findings.count(wrong) != 1 {
		t.Errorf("found %s", out)
	}
	if last := got.Findings[len(got.Findings)-1]; last.About != "target default" || !strings.Contains(last.What, "connection refused") {
		t.Errorf("found %+v", last)
	}
}

func TestCheckSaysLastWhatMattersMost(t *testing.T) {
	var f findings
	f.add(wrong, "orders", "", "refused")
	f.add(fine, "orders", "", "well")
	f.add(warning, "orders", "--timeout", "slow")
	f.add(fine, "crm", "", "well too")
	var out strings.Builder
	if err := f.print(&out); err != nil {
		t.Fatal(err)
	}
	const want = "ok       orders: well\nok       crm: well too\nwarning  orders: slow; change --timeout\nerror    orders: refused\n1 error, 1 warning\n"
	if out.String() != want {
		t.Errorf("\n%s\nwant\n%s", out.String(), want)
	}
}

func TestCheckIsStrictIfItIsAsked(t *testing.T) {
	emulate(t, withQueues(t, [2]string{"orders", `{}`}))
	target := untouched(t)
	for code, arguments := range map[int][]string{0: nil, 2: {"--strict"}} {
		out, _, err := ran[checkCmd](t, "", append(arguments, "--queue", "orders", "--target", target)...)
		if e, _ := errors.AsType[exit](err); e.code != code {
			t.Errorf("%v ended with %v\n%s", arguments, err, out)
		}
	}
}

func TestCheckSaysWhichSettingIsWrong(t *testing.T) {
	emulate(t, goodQueues(t))
	for want, arguments := range map[string][]string{
		"error    settings: --concurrency":                                            {"--queue", "orders", "--target", "http://h", "--concurrency", "0"},
		"error    nothing: GetQueueUrl on nothing: no such queue in region us-east-1": {"--queue", "nothing", "--target", untouched(t)},
	} {
		out, _, err := ran[checkCmd](t, "", arguments...)
		if e, _ := errors.AsType[exit](err); e.code != 1 || !strings.Contains(out, want) {
			t.Errorf("%v: %v\n%s", arguments, err, out)
		}
	}
	t.Setenv("AWS_REGION", "")
	out, _, _ := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t))
	if !strings.Contains(out, "error    aws: no AWS region: set AWS_REGION") {
		t.Errorf("without a region:\n%s", out)
	}
}

func TestCheckFindsWrongWhatRunRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		server    http.Handler
		arguments []string
		says      string
	}{
		"a visibility timeout of 0": {
			withQueues(t, [2]string{"orders", `{"VisibilityTimeout":"0"}`}), nil, "--visibility-timeout: queue orders",
		},
		"dead letters without a queue for them": {
			withQueues(t, [2]string{"orders", `{}`}), []string{"--on-rejected", "dead-letter"}, "--on-rejected: dead-letter needs a dead-letter queue",
		},
		"dead letters to a queue that is not told": {
			refusing(goodQueues(t), "GetQueueAttributes"), []string{"--on-rejected", "dead-letter"}, "allow sqs:GetQueueAttributes",
		},
		"an ARN that is not told": {
			refusing(goodQueues(t), "GetQueueAttributes"), []string{"--format", "lambda"}, "--format: lambda sends the ARN of orders",
		},
		"a header's file that is not there": {
			goodQueues(t), []string{"--header", "Authorization: @/nowhere/token"}, "/nowhere/token",
		},
	} {
		t.Run(name, func(t *testing.T) {
			emulate(t, tt.server)
			arguments := append([]string{"--queue", "orders", "--target", untouched(t), "--listen", "127.0.0.1:0"}, tt.arguments...)
			_, _, refused := ran[runCmd](t, "", append(arguments, "--log-format", "text")...)
			if refused == nil || !strings.Contains(refused.Error(), tt.says) {
				t.Fatalf("run: %v", refused)
			}
			out, _, err := ran[checkCmd](t, "", arguments...)
			if e, _ := errors.AsType[exit](err); e.code != 1 || !strings.Contains(out, "error ") || !strings.Contains(out, refused.Error()) {
				t.Errorf("check: %v\n%s", err, out)
			}
		})
	}
}

func TestTheTargetsProxyIsConnectedToInItsPlace(t *testing.T) {
	proxy, err := url.Parse("http://user:secret@" + listening(t))
	if err != nil {
		t.Fatal(err)
	}
	through := func(*http.Request) (*url.URL, error) { return proxy, nil }
	f := lookAtTarget(t.Context(), "crm", config.Target{URL: "https://crm.invalid/hook", Timeout: config.Duration(time.Second), Concurrency: 1}, through)
	if len(f) != 1 || f[0].Severity != fine || !strings.Contains(f[0].What, proxy.Host) || strings.Contains(f[0].What, "secret") {
		t.Errorf("found %+v", f)
	}
}

func TestATargetWhoseCertificateIsNotTrustedIsAnError(t *testing.T) {
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	direct := func(*http.Request) (*url.URL, error) { return nil, nil }
	f := lookAtTarget(t.Context(), "crm", config.Target{URL: web.URL, Timeout: config.Duration(time.Second), Concurrency: 1}, direct)
	if len(f) != 1 || f[0].Severity != wrong || !strings.Contains(f[0].What, "certificate") || !strings.HasPrefix(f[0].Change, "the certificate") {
		t.Errorf("found %+v", f)
	}
}

func TestATargetThatAnswersButNotInTLSNeedsNoStart(t *testing.T) {
	direct := func(*http.Request) (*url.URL, error) { return nil, nil }
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	for from, want := range map[string][2]string{
		strings.Replace(plain.URL, "http:", "https:", 1): {"is there, but does not speak TLS", "--target: http://"},
		old.URL: {"is there, but ends the handshake: tls: protocol version not supported", "--tls-cert and --tls-key"},
	} {
		f := lookAtTarget(t.Context(), "crm", config.Target{URL: from, Timeout: config.Duration(time.Second), Concurrency: 1}, direct)
		if len(f) != 1 || f[0].Severity != wrong || !strings.Contains(f[0].What, want[0]) || !strings.HasPrefix(f[0].Change, want[1]) {
			t.Errorf("%s: found %+v", from, f)
		}
	}
}

func TestCheckSaysWhatLiesInTheDeadLetterQueue(t *testing.T) {
	facts := queueFacts{name: "orders", deadName: "orders-dlq"}
	facts.attributes.MaxReceiveCount, facts.attributes.DeadLetterQueueARN = 5, "arn:aws:sqs:r:1:orders-dlq"
	for depth, want := range map[message.Depth]string{
		{}:                        "it is empty",
		{Visible: 1}:              "1 message in it: poller peek --queue orders-dlq",
		{Visible: 3, InFlight: 2}: "5 messages in it: poller peek --queue orders-dlq",
	} {
		facts.dead.Depth = depth
		var f findings
		judgeRedrive(&f, facts)
		if got := f[len(f)-1]; got.Severity != fine || !strings.Contains(got.What, want) {
			t.Errorf("%+v: %+v", depth, got)
		}
	}
}
