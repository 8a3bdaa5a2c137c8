package target

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/sqs-poller/poller/internal/message"
)

// The reasons why there was no complete answer.
const (
	reasonTimeout        = "timeout"
	reasonCanceled       = "canceled"
	reasonReset          = "reset"
	reasonBrokenAnswer   = "broken_answer"
	reasonRefused        = "refused"
	reasonUnreachable    = "unreachable"
	reasonDNS            = "dns"
	reasonTLS            = "tls"
	reasonProxy          = "proxy"
	reasonConnectTimeout = "connect_timeout"
	reasonConnect        = "connect"
	reasonGoAway         = "goaway"
	reasonRefusedStream  = "refused_stream"
	reasonUnsent         = "unsent"
	reasonToken          = "token"
	reasonTokenRefused   = "token_refused"
	reasonCredentials    = "credentials"
)

// What the answer of a function says despite its status of 200.
const (
	reasonFunctionError = "function_error"
	reasonItemFailure   = "item_failure"
	reasonInvalidAnswer = "invalid_answer"
)

// A verdict is what an answer, or the lack of one, means for the message.
type verdict struct {
	outcome message.Outcome
	reason  string
	refused bool // see message.Result
}

// exceptions are the statuses that differ from their class. Those that are failed mean, like
// any 3xx, that the target is refusing. docs/outcomes.md has the same table; a test
// compares them.
var exceptions = map[int]message.Outcome{
	401: message.Failed,
	403: message.Failed,
	404: message.Failed,
	405: message.Failed,
	407: message.Failed,
	408: message.Unavailable,
	421: message.Failed,
	425: message.Unavailable,
	429: message.Throttled,
	502: message.Unavailable,
	503: message.Unavailable,
	504: message.Unavailable,
}

// classes are the statuses by their first digit. Any other status (1xx as the final
// answer, 600 and above) is a broken answer.
var classes = map[int]verdict{
	2: {outcome: message.Delivered, reason: "2xx"},
	3: {outcome: message.Failed, reason: "3xx", refused: true},
	4: {outcome: message.Rejected, reason: "4xx"},
	5: {outcome: message.Failed, reason: "5xx"},
}

// breaks maps the reasons for not getting a complete answer to outcomes.
var breaks = map[string]message.Outcome{
	reasonTimeout:        message.Failed,
	reasonCanceled:       message.Failed,
	reasonReset:          message.Unavailable,
	reasonBrokenAnswer:   message.Unavailable,
	reasonRefused:        message.Connection,
	reasonUnreachable:    message.Connection,
	reasonDNS:            message.Connection,
	reasonTLS:            message.Connection,
	reasonProxy:          message.Connection,
	reasonConnectTimeout: message.Connection,
	reasonConnect:        message.Connection,
	reasonGoAway:         message.Connection,
	reasonRefusedStream:  message.Connection,
	reasonUnsent:         message.Connection,
	reasonToken:          message.Connection,
	reasonTokenRefused:   message.Connection,
	reasonCredentials:    message.Connection,
}

// answered maps what an answer says despite its status to outcomes.
var answered = map[string]message.Outcome{
	reasonFunctionError: message.Failed,
	reasonItemFailure:   message.Failed,
	reasonInvalidAnswer: message.Failed,
}

// verdictOf looks up a status. It reports false if the status cannot be final.
func verdictOf(status int, exceptions map[int]message.Outcome) (verdict, bool) {
	v, known := classes[status/100]
	if outcome, except := exceptions[status]; except {
		v.outcome = outcome
		v.refused = outcome == message.Failed
	}
	return v, known
}

// Reasons returns every Reason that a Result may have, sorted: the classes from 2xx to 5xx,
// what an answer says despite its class, and why there was no complete answer.
func Reasons() []string {
	all := make([]string, 0, len(classes)+len(answered)+len(breaks))
	for _, v := range classes {
		all = append(all, v.reason)
	}
	for reason := range answered {
		all = append(all, reason)
	}
	for reason := range breaks {
		all = append(all, reason)
	}
	slices.Sort(all)
	return all
}

// Rejects reports whether an answer rejects the message: one with this status, such as 422,
// or of this class, such as 4xx.
func Rejects(answer string) bool {
	for _, v := range classes {
		if v.reason == answer {
			return v.outcome == message.Rejected
		}
	}
	status, err := strconv.Atoi(answer)
	v, known := verdictOf(status, exceptions)
	return err == nil && strconv.Itoa(status) == answer && known && v.outcome == message.Rejected
}

// canceled returns the result of a delivery that the engine has canceled.
func canceled(ctx context.Context) message.Result {
	return message.Result{Outcome: breaks[reasonCanceled], Reason: reasonCanceled, Canceled: true, Err: context.Cause(ctx)}
}

// broken returns the result of a delivery without a complete answer. ctx is the engine's;
// limited also has the timeout. status is that of a partial answer, or 0.
func (t *HTTP) broken(ctx, limited context.Context, err error, status int) message.Result {
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	b := breach{reason: reasonTimeout}
	if failed, dialing := errors.AsType[*dialError](err); dialing {
		b = failed.breach()
	} else if limited.Err() == nil {
		b = breachOf(err)
	}
	if status != 0 && b.reason == reasonReset {
		b.reason = reasonBrokenAnswer // the answer had begun
	}
	return message.Result{
		Outcome: breaks[b.reason],
		Status:  status,
		Reason:  b.reason,
		Err:     t.sentence(b, status),
	}
}
