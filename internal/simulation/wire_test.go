package simulation

// wire is the part of the JSON of SQS's requests and answers that matters here.
type wire struct {
	QueueURL            string      `json:"QueueUrl,omitempty"`
	QueueName           string      `json:",omitempty"`
	MaxNumberOfMessages int         `json:",omitempty"`
	VisibilityTimeout   int         `json:",omitempty"`
	Attempt             string      `json:"ReceiveRequestAttemptId,omitempty"`
	Entries             []wireEntry `json:",omitempty"`
}

type wireEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int   `json:",omitempty"`
	MessageBody       string `json:",omitempty"`
}

type wireAnswer struct {
	Messages []struct {
		MessageID     string `json:"MessageId"`
		ReceiptHandle string
		Body          string
		Attributes    map[string]string
	}
	Successful []struct {
		ID string `json:"Id"`
	}
	Failed     []wireFailure
	Attributes map[string]string // of a queue
}

type wireFailure struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}
