package queue

import (
	"net/http"
	"strings"

	"poller/internal/message"
)

// verdict is what follows from an error of SQS: its fault, and the sentence for a
// person, in which {place} is region and endpoint, {iam} the IAM action and {code}
// SQS's code.
type verdict struct {
	fault message.Fault
	say   string
	// quote has SQS's own sentence after ours.
	quote bool
	// credentials says that other ones may work.
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
		say: "KMS refuses the queue's key ({code}): the key must be enabled, and kms:Decrypt on it allowed " +
			"(for sending kms:GenerateDataKey too)",
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
		fault: message.Refused, say: "what answers {place} is not SQS, or does not know this action ({code}): check AWS_ENDPOINT_URL_SQS",
	}
	serverError = verdict{fault: message.Network, say: "SQS failed ({code}): the same call may succeed if repeated"}
	invalid     = verdict{fault: message.Invalid, say: "SQS refuses the request ({code})", quote: true}
)

// verdicts are the codes that say more than the status does, in the form that
// plain gives them.
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

// plain is a code without what the protocols put around it: the namespace of the
// JSON protocol, SQS's old prefix, and the suffix that only some of them have.
func plain(code string) string {
	if i := strings.IndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	code = strings.TrimPrefix(code, "AWS.SimpleQueueService.")
	return strings.TrimSuffix(code, "Exception")
}

// judge sorts an error by its code, SQS's sentence and, where the code says
// nothing, the answer's status. Servers do not agree on whose fault the failure of
// a batch's entry is, so the code goes first there too.
func judge(code, text string, status int) verdict {
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

// aboutTime says whether a signature was refused for its time alone.
func aboutTime(text string) bool {
	return strings.Contains(text, "Signature expired") || strings.Contains(text, "Signature not yet current")
}

// aboutHandle says whether a parameter's value was refused because its message is
// no longer ours.
func aboutHandle(text string) bool {
	text = strings.ToLower(text)
	for _, part := range []string{"receipthandle", "receipt handle", "message does not exist", "not available for visibility"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
