package queue

import (
	"net/http"
	"strings"

	"github.com/sqs-poller/poller/internal/message"
)

// verdict is what to make of an error of SQS: its fault and a message for people, in which
// {place} stands for region and endpoint, {iam} for the IAM action and {code} for SQS's
// code.
type verdict struct {
	fault message.Fault
	say   string
	// quote appends SQS's own message.
	quote bool
	// credentials reports that other credentials may work.
	credentials bool
}

var (
	lost = verdict{fault: message.Lost, say: "the receipt handle no longer owns the message"}

	throttled = verdict{fault: message.ThrottledBySQS, say: "throttled by SQS ({code}): the same call succeeds later"}

	noQueue = verdict{
		fault: message.Refused, say: "no such queue {place}: check its name, its account, AWS_REGION and AWS_ENDPOINT_URL_SQS",
	}
	denied = verdict{
		fault: message.Refused, say: "access denied {place}: allow {iam} on the queue to these credentials", quote: true, credentials: true,
	}
	unknownKey = verdict{
		fault: message.Refused, say: "unknown credentials {place}: check AWS_ACCESS_KEY_ID, AWS_PROFILE or the role ({code})",
		credentials: true,
	}
	expiredKey = verdict{
		fault: message.Refused, say: "the credentials have expired: renew them (AWS_SESSION_TOKEN, the SSO login or the role; {code})",
		credentials: true,
	}
	wrongSecret = verdict{
		fault: message.Refused, say: "the signature does not match the access key {place}: check AWS_SECRET_ACCESS_KEY ({code})",
		credentials: true,
	}
	kmsRefuses = verdict{
		fault: message.Refused,
		say: "KMS refuses the use of the queue's key ({code}): enable the key and allow kms:Decrypt on it " +
			"(and kms:GenerateDataKey to send)",
		quote: true, credentials: true,
	}
	wrongTime = verdict{
		fault: message.Network,
		say:   "this machine's clock differs from SQS's ({code}): set it; the next call is signed with SQS's time",
	}
	inFlightLimit = verdict{
		fault: message.ThrottledBySQS,
		say:   "the queue has reached its limit of messages in flight: receives work again when some are deleted ({code})",
	}
	noSQS = verdict{
		fault: message.Refused, say: "the server {place} is not SQS, or does not know this action ({code}): check AWS_ENDPOINT_URL_SQS",
	}
	serverError = verdict{fault: message.Network, say: "SQS failed ({code}): the same call may succeed if repeated"}
	invalid     = verdict{fault: message.Invalid, say: "SQS refuses the request ({code})", quote: true}
)

// verdicts has the codes that say more than the status, as returned by plain.
var verdicts = map[string]verdict{
	"ReceiptHandleIsInvalid": lost,
	"MessageNotInflight":     lost,

	"Throttling":                    throttled,
	"ThrottledRequest":              throttled,
	"RequestThrottled":              throttled,
	"TooManyRequests":               throttled,
	"RequestLimitExceeded":          throttled,
	"LimitExceeded":                 throttled,
	"BandwidthLimitExceeded":        throttled,
	"ProvisionedThroughputExceeded": throttled,
	"PriorRequestNotComplete":       throttled,
	"SlowDown":                      throttled,
	"KmsThrottled":                  throttled,
	"KMS.Throttling":                throttled,
	"OverLimit":                     inFlightLimit,
	"QueueDoesNotExist":             noQueue,
	"NonExistentQueue":              noQueue,
	"InvalidAddress":                noQueue,
	"AccessDenied":                  denied,
	"NotAuthorized":                 denied,
	"UnauthorizedOperation":         denied,
	"OptInRequired":                 denied,
	"SubscriptionRequired":          denied,
	"InvalidSecurity":               denied,
	"InvalidClientTokenId":          unknownKey,
	"UnrecognizedClient":            unknownKey,
	"InvalidAccessKeyId":            unknownKey,
	"AuthFailure":                   unknownKey,
	"MissingAuthenticationToken":    unknownKey,
	"IncompleteSignature":           unknownKey,
	"ExpiredToken":                  expiredKey,
	"TokenRefreshRequired":          expiredKey,
	"SignatureDoesNotMatch":         wrongSecret,
	"InvalidSignature":              wrongSecret,
	"RequestTimeTooSkewed":          wrongTime,
	"RequestExpired":                wrongTime,
	"RequestInTheFuture":            wrongTime,
	"InvalidAction":                 noSQS,
	"UnknownOperation":              noSQS,
	"InvalidMessageContents":        invalid,
	"InvalidAttributeValue":         invalid,
	"InvalidAttributeName":          invalid,
	"MissingParameter":              invalid,
	"MissingRequiredParameter":      invalid,
	"BatchRequestTooLong":           invalid,
	"UnsupportedOperation":          invalid,
	"InternalFailure":               serverError,
	"InternalError":                 serverError,
	"InternalServerError":           serverError,
	"InternalServer":                serverError,
	"ServiceUnavailable":            serverError,
	"RequestTimeout":                serverError,
}

// plain returns a code without the JSON protocol's namespace, SQS's old prefix, and the
// suffix that only some codes have.
func plain(code string) string {
	if i := strings.IndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	code = strings.TrimPrefix(code, "AWS.SimpleQueueService.")
	return strings.TrimSuffix(code, "Exception")
}

// classify classifies an error by its code, SQS's message and, if the code is unknown, the
// response's status. Servers disagree on whose fault a failed entry of a batch is, so the
// code takes precedence there too.
func classify(code, text string, status int) verdict {
	name := plain(code)
	if v, ok := verdicts[name]; ok {
		if v.fault == message.Refused && v.credentials && aboutTime(text) {
			return wrongTime
		}
		return v
	}
	switch {
	case name == "InvalidParameterValue" && aboutHandle(text):
		return lost
	case name == "InvalidParameterValue":
		return invalid
	case strings.HasPrefix(name, "KMS.") || strings.HasPrefix(name, "Kms"):
		return kmsRefuses
	case status == http.StatusTooManyRequests:
		return throttled
	case status >= 500 || status == http.StatusRequestTimeout:
		return serverError
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return denied
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status/100 == 3:
		return noSQS
	}
	return invalid
}

// aboutTime reports whether a signature was refused only because of its time.
func aboutTime(text string) bool {
	return strings.Contains(text, "Signature expired") || strings.Contains(text, "Signature not yet current")
}

// aboutHandle reports whether a parameter was refused because its message is no longer
// ours.
func aboutHandle(text string) bool {
	text = strings.ToLower(text)
	for _, part := range []string{"receipthandle", "receipt handle", "message does not exist", "not available for visibility"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
