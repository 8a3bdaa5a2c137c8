package localsqs

import (
	"fmt"
	"net/http"
)

// kind is one of SQS's error types: its shape in the JSON protocol, its name in
// the older query protocol (which SDKs still show to their users), its status.
type kind struct {
	shape  string
	query  string
	status int
}

// sqsShape and coralShape are the namespaces of SQS's own errors and of those of AWS's
// service framework.
const (
	sqsShape   = "com.amazonaws.sqs#"
	coralShape = "com.amazon.coral.service#"
	oldName    = "AWS.SimpleQueueService."
)

// The errors, with the names and the statuses of AWS's model of the service.
var (
	batchEntryIDsNotDistinct     = kind{sqsShape + "BatchEntryIdsNotDistinct", oldName + "BatchEntryIdsNotDistinct", 400}
	batchRequestTooLong          = kind{sqsShape + "BatchRequestTooLong", oldName + "BatchRequestTooLong", 400}
	emptyBatchRequest            = kind{sqsShape + "EmptyBatchRequest", oldName + "EmptyBatchRequest", 400}
	invalidAddress               = kind{sqsShape + "InvalidAddress", "InvalidAddress", 404}
	invalidAttributeName         = kind{sqsShape + "InvalidAttributeName", "InvalidAttributeName", 400}
	invalidAttributeValue        = kind{sqsShape + "InvalidAttributeValue", "InvalidAttributeValue", 400}
	invalidBatchEntryID          = kind{sqsShape + "InvalidBatchEntryId", oldName + "InvalidBatchEntryId", 400}
	invalidMessageContents       = kind{sqsShape + "InvalidMessageContents", "InvalidMessageContents", 400}
	messageNotInflight           = kind{sqsShape + "MessageNotInflight", oldName + "MessageNotInflight", 400}
	overLimit                    = kind{sqsShape + "OverLimit", "OverLimit", 403}
	purgeQueueInProgress         = kind{sqsShape + "PurgeQueueInProgress", oldName + "PurgeQueueInProgress", 403}
	queueDoesNotExist            = kind{sqsShape + "QueueDoesNotExist", oldName + "NonExistentQueue", 400}
	queueNameExists              = kind{sqsShape + "QueueNameExists", "QueueAlreadyExists", 400}
	receiptHandleIsInvalid       = kind{sqsShape + "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404}
	resourceNotFound             = kind{sqsShape + "ResourceNotFoundException", "ResourceNotFoundException", 404}
	tooManyEntriesInBatchRequest = kind{sqsShape + "TooManyEntriesInBatchRequest", oldName + "TooManyEntriesInBatchRequest", 400}
	unsupportedOperation         = kind{sqsShape + "UnsupportedOperation", oldName + "UnsupportedOperation", 400}

	invalidParameterValue = kind{coralShape + "InvalidParameterValueException", "InvalidParameterValue", 400}
	missingParameter      = kind{coralShape + "MissingRequiredParameterException", "MissingParameter", 400}
	invalidAction         = kind{coralShape + "UnknownOperationException", "InvalidAction", 400}
	serialization         = kind{coralShape + "SerializationException", "SerializationException", 400}
	requestTooLarge       = kind{coralShape + "RequestEntityTooLargeException", "RequestEntityTooLarge", http.StatusRequestEntityTooLarge}
	serviceUnavailable    = kind{coralShape + "ServiceUnavailableException", "ServiceUnavailable", http.StatusServiceUnavailable}
)

// because is an error of the kind with SQS's sentence.
func (k kind) because(format string, args ...any) error {
	return &failure{kind: k, message: fmt.Sprintf(format, args...)}
}

// failure is an answer that is an error.
type failure struct {
	kind
	message string
}

// Error is the name that SDKs show, and the sentence.
func (f *failure) Error() string { return f.query + ": " + f.message }

// sender says whose fault it was: the one who asked, except for a 5xx.
func (f *failure) sender() bool { return f.status < 500 }

// entryCode is the name of the error in a batch's list of failed entries.
func (f *failure) entryCode() string {
	if f.kind == messageNotInflight {
		return "MessageNotInflight"
	}
	return f.query
}

func missing(parameter string) error {
	return missingParameter.because("The request must contain the parameter %s.", parameter)
}

// outOfRange is SQS's sentence for a number that is not what reason asks for.
func outOfRange(value int, parameter, reason string) error {
	return invalidParameterValue.because("Value %d for parameter %s is invalid. Reason: %s", value, parameter, reason)
}
