package message_test

import (
	"testing"

	"github.com/sqs-poller/poller/internal/message"
)

func TestAnswersAreSaidAsFactsTheMostCommonFirst(t *testing.T) {
	t.Parallel()
	count := func(results ...message.Result) message.Answers {
		a := make(message.Answers)
		for _, r := range results {
			a[r.Answer()]++
		}
		return a
	}
	notFound := message.Result{Status: 404, Reason: "4xx"}
	for _, test := range []struct {
		is   message.Answers
		want string
	}{
		{count(notFound, notFound, notFound, notFound, notFound), "404 (5 of 5)"},
		{count(message.Result{Status: 503, Reason: "5xx"}, notFound, message.Result{Status: 503, Reason: "5xx"}), "503 (2 of 3), 404 (1 of 3)"},
		{count(message.Result{Reason: "refused"}), "connection refused (1 of 1)"},
		{count(message.Result{Status: 200, Reason: "broken_answer"}), "cut-off answer (1 of 1)"},
		{count(message.Result{Reason: "new_reason"}), "new reason (1 of 1)"},
		{
			count(notFound, message.Result{Status: 400, Reason: "4xx"}, message.Result{Reason: "dns"}, message.Result{Reason: "tls"}),
			"name not resolved (1 of 4), TLS failed (1 of 4), 400 (1 of 4)",
		},
	} {
		if got := test.is.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
