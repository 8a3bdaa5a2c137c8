package queue

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

func errorBody(shape, text string) string {
	return `{"__type":"` + shape + `","message":"` + text + `"}`
}

func TestWhatSQSAnswersIsSortedByWhatFollows(t *testing.T) {
	settings(t)
	query := func(code string) map[string]string { return map[string]string{"X-Amzn-Query-Error": code + ";Sender"} }
	const sqsShape, coral = "com.amazonaws.sqs#", "com.amazon.coral.service#"
	for _, tt := range []struct {
		name   string
		status int
		header map[string]string
		body   string
		want   message.Fault
		code   string
		says   []string
	}{
		{
			"no such queue", 400, query("AWS.SimpleQueueService.NonExistentQueue"), errorBody(sqsShape+"QueueDoesNotExist", "The specified queue does not exist."),
			message.Refused, "AWS.SimpleQueueService.NonExistentQueue",
			[]string{"no such queue in region us-east-1 at http://127.0.0.1:9324", "AWS_REGION"},
		},
		{"no such queue, without the old name", 400, nil, errorBody(sqsShape+"QueueDoesNotExist", "gone"), message.Refused, "QueueDoesNotExist", nil},
		{"an invalid address", 404, query("InvalidAddress"), errorBody(sqsShape+"InvalidAddress", "x"), message.Refused, "InvalidAddress", nil},
		{
			"denied", 403, nil, errorBody(coral+"AccessDeniedException", "User: arn:aws:iam::1:user/u is not authorized"), message.Refused,
			"AccessDeniedException",
			[]string{"allow sqs:ReceiveMessage", "arn:aws:iam::1:user/u"},
		},
		{"denied, by its old name", 403, query("AccessDenied"), errorBody(coral+"AccessDeniedException", "x"), message.Refused, "AccessDenied", nil},
		{"an unknown key", 403, nil, errorBody(coral+"UnrecognizedClientException", "x"), message.Refused, "", []string{"AWS_ACCESS_KEY_ID"}},
		{"an unknown key, by its old name", 403, query("InvalidClientTokenId"), errorBody("x#InvalidClientTokenId", "x"), message.Refused, "", nil},
		{"expired credentials", 403, nil, errorBody(coral+"ExpiredTokenException", "x"), message.Refused, "", []string{"have expired"}},
		{"expired credentials, another way", 400, query("ExpiredToken"), errorBody("x#ExpiredToken", "x"), message.Refused, "", nil},
		{
			"a wrong secret", 403, nil, errorBody(coral+"InvalidSignatureException", "The request signature we calculated does not match"), message.Refused,
			"",
			[]string{"AWS_SECRET_ACCESS_KEY"},
		},
		{"a wrong secret, by its old name", 403, query("SignatureDoesNotMatch"), errorBody("x#SignatureDoesNotMatch", "x"), message.Refused, "", nil},
		{
			"a wrong clock", 403, nil, errorBody(coral+"InvalidSignatureException", "Signature expired: 20000101T000000Z is now earlier than"), message.Network,
			"",
			[]string{"clock differs from SQS's"},
		},
		{"a wrong clock, the other way", 403, nil, errorBody(coral+"InvalidSignatureException", "Signature not yet current: x"), message.Network, "", nil},
		{"a clock that is far off", 403, nil, errorBody("x#RequestTimeTooSkewed", "x"), message.Network, "", nil},
		{"an expired request", 400, query("RequestExpired"), errorBody("x#RequestExpired", "x"), message.Network, "", nil},
		{"no token", 403, query("MissingAuthenticationToken"), errorBody(coral+"MissingAuthenticationTokenException", "x"), message.Refused, "", nil},
		{"KMS denies", 400, query("KMS.AccessDeniedException"), errorBody(sqsShape+"KmsAccessDenied", "x"), message.Refused, "", []string{"kms:Decrypt"}},
		{"a disabled key", 400, nil, errorBody(sqsShape+"KmsDisabled", "x"), message.Refused, "", []string{"enable the key"}},
		{"no key", 400, query("KMS.NotFoundException"), errorBody(sqsShape+"KmsNotFound", "x"), message.Refused, "", nil},
		{"KMS throttles", 400, query("KMS.ThrottlingException"), errorBody(sqsShape+"KmsThrottled", "x"), message.ThrottledBySQS, "", nil},
		{"KMS throttles, without the old name", 400, nil, errorBody(sqsShape+"KmsThrottled", "x"), message.ThrottledBySQS, "", nil},
		{"throttled", 400, query("RequestThrottled"), errorBody(sqsShape+"RequestThrottled", "x"), message.ThrottledBySQS, "RequestThrottled", []string{"later"}},
		{"throttled by the framework", 400, nil, errorBody(coral+"ThrottlingException", "x"), message.ThrottledBySQS, "", nil},
		{"throttled by the status", 429, nil, "slow down", message.ThrottledBySQS, "", []string{"status 429"}},
		{"too much in flight", 403, query("OverLimit"), errorBody(sqsShape+"OverLimit", "x"), message.ThrottledBySQS, "", []string{"in flight"}},
		{"an internal error", 500, nil, errorBody(coral+"InternalFailure", "x"), message.Network, "InternalFailure", nil},
		{"unavailable", 503, nil, errorBody(coral+"ServiceUnavailableException", "x"), message.Network, "", nil},
		{"a proxy's page", 502, map[string]string{"Content-Type": "text/html"}, "<html>secret</html>", message.Network, "", []string{"status 502"}},
		{"a proxy's other page", 404, nil, "<html>", message.Refused, "", []string{"is not SQS"}},
		{"a redirect", 302, map[string]string{"Location": "http://login.example/"}, "", message.Refused, "", []string{"is not SQS", "AWS_ENDPOINT_URL_SQS"}},
		{"a page for the answer", 200, map[string]string{"Content-Type": "text/html"}, "<html>hello</html>", message.Network, "", []string{"not from SQS"}},
		{"half an answer", 200, nil, `{"Messages":[{"Body":"secret`, message.Network, "", []string{"not from SQS"}},
		{"another protocol", 400, query("InvalidAction"), errorBody(coral+"UnknownOperationException", "x"), message.Refused, "", nil},
		{
			"a parameter", 400, query("InvalidParameterValue"),
			errorBody(coral+"InvalidParameterValueException", "Value 11 for parameter MaxNumberOfMessages is invalid."),
			message.Invalid, "",
			[]string{"Value 11 for parameter MaxNumberOfMessages"},
		},
		{"an expired handle", 400, query("InvalidParameterValue"), errorBody("x#y", "Value AQEBx for parameter ReceiptHandle is invalid."), message.Lost, "", nil},
		{"a wrong handle", 404, query("ReceiptHandleIsInvalid"), errorBody(sqsShape+"ReceiptHandleIsInvalid", "x"), message.Lost, "ReceiptHandleIsInvalid", nil},
		{"not in flight", 400, query("AWS.SimpleQueueService.MessageNotInflight"), errorBody(sqsShape+"MessageNotInflight", "x"), message.Lost, "", nil},
		{"something new", 400, nil, errorBody("x#SomethingNew", "x"), message.Invalid, "SomethingNew", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient(t, canned(tt.status, tt.header, tt.body), nil)
			q := &Queue{client: c, name: "orders", url: "http://127.0.0.1:9324/0/orders", tally: c.metrics.of("orders")}
			_, err := q.Receive(t.Context(), 10, time.Second, 0, "")
			wantFault(t, err, tt.want, append(tt.says, "ReceiveMessage on orders: ")...)
			for _, secret := range []string{"secret", "AQEBx"} {
				if strings.Contains(err.Error(), secret) {
					t.Fatalf("%q shows %s", err, secret)
				}
			}
			if e, _ := errors.AsType[*message.SQSError](err); tt.code != "" && e.Code != tt.code {
				t.Fatalf("code %q, want %q", e.Code, tt.code)
			}
		})
	}
}

func TestTheEntriesOfABatchAreSortedOneByOne(t *testing.T) {
	settings(t)
	c := newTestClient(t, canned(200, nil, `{"Successful":[{"Id":"0"},{"Id":"77"}],"Failed":[`+
		`{"Id":"1","Code":"ReceiptHandleIsInvalid","Message":"The input receipt handle \"h1\" is not valid","SenderFault":true},`+
		`{"Id":"2","Code":"InternalError","Message":"x","SenderFault":false},`+
		`{"Id":"3","Code":"SomethingNew","Message":"about h3-of-ours","SenderFault":true},`+
		`{"Id":"4","Code":"ThrottlingException","SenderFault":false},`+
		`{"Id":"5","Code":"AWS.SimpleQueueService.MessageNotInflight","SenderFault":true},`+
		`{"Id":"6","Code":"SomethingElse","SenderFault":false},`+
		`{"Id":"8","Code":"InvalidMessageContents","SenderFault":false}]}`), nil)
	q := &Queue{client: c, name: "orders", url: "http://127.0.0.1:9324/0/orders", tally: c.metrics.of("orders")}
	errs := q.Delete(t.Context(), []string{"h0", "h1", "h2", "h3-of-ours", "h4", "h5", "h6", "h7", "h8"})
	var got []message.Fault
	for _, err := range errs {
		got = append(got, message.FaultOf(err))
	}
	want := []message.Fault{
		message.NoFault, message.Lost, message.Network, message.Invalid, message.ThrottledBySQS, message.Lost, message.Network,
		message.Network, // missing from the response
		message.Invalid, // as LocalStack reports it
	}
	if !slices.Equal(got, want) {
		t.Fatalf("classified as %v, want %v", got, want)
	}
	if s := errs[3].Error(); !strings.Contains(s, "about …") || strings.Contains(s, "h3-of-ours") {
		t.Fatalf("%q shows the handle", s)
	}
}

func TestWhatHappensToAConnectionIsNetwork(t *testing.T) {
	settings(t)
	for _, tt := range []struct {
		err  error
		says string
	}{
		{&url.Error{Op: "Post", URL: "http://user:secret@x", Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, "connection refused"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Name: "sqs.nowhere", IsNotFound: true}}, "no such host: sqs.nowhere"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Name: "sqs.nowhere", IsTimeout: true}}, "cannot resolve sqs.nowhere"},
		{&net.OpError{Op: "proxyconnect", Err: errors.New("dial user:secret@proxy")}, "HTTPS_PROXY"},
		{io.ErrUnexpectedEOF, "closed before"},
		{errors.New("proxy http://user:secret@x is wrong"), "the connection failed"},
		{errAnswerTooLong, "too long"},
	} {
		c, err := NewClient(t.Context(), Options{Logger: quiet(), HTTPClient: broken{tt.err}})
		if err != nil {
			t.Fatal(err)
		}
		q := &Queue{client: c, name: "orders", url: "http://127.0.0.1:9324/0/orders", tally: c.metrics.of("orders")}
		_, err = q.Receive(t.Context(), 10, time.Second, 0, "")
		wantFault(t, err, message.Network, tt.says, "no answer from http://127.0.0.1:9324")
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q shows a password", err)
		}
	}
}

type broken struct{ err error }

func (b broken) Do(*http.Request) (*http.Response, error) { return nil, b.err }

func TestRefusedCredentialsAreFetchedAnewAtMostEachHalfMinute(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, canned(403, nil, errorBody("x#ExpiredTokenException", "x")), nil)
		q := &Queue{client: c, name: "orders", url: "http://127.0.0.1:9324/0/orders", tally: c.metrics.of("orders")}
		before := c.credentials.renewed
		for range 3 {
			_, err := q.Receive(t.Context(), 10, time.Second, 0, "")
			wantFault(t, err, message.Refused)
		}
		first := c.credentials.renewed
		if first.Equal(before) {
			t.Fatal("not fetched again")
		}
		time.Sleep(29 * time.Second)
		_ = q.Delete(t.Context(), []string{"a"})
		if !c.credentials.renewed.Equal(first) {
			t.Fatal("fetched again too soon")
		}
		time.Sleep(time.Second)
		_ = q.Delete(t.Context(), []string{"a"})
		if c.credentials.renewed.Equal(first) {
			t.Fatal("not fetched again after half a minute")
		}
	})
}
