package queue

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-poller/poller/internal/message"
)

// Permission is whether SQS allows calls of one kind.
type Permission struct {
	// Action is the IAM action, such as sqs:DeleteMessage.
	Action string
	// Err is why such a call is refused, or nil.
	Err error
	// Unknown reports that SQS's response is inconclusive.
	Unknown bool
}

// Permissions checks whether messages may be received, deleted and hidden, using calls
// that SQS must refuse for another reason, so that it neither touches nor receives a
// message.
func (q *Queue) Permissions(ctx context.Context) []Permission {
	const nobodys = "poller-check"
	return []Permission{
		q.mayReceive(ctx),
		told(deleteBatch, q.Delete(ctx, []string{nobodys})),
		told(changeBatch, q.ChangeVisibility(ctx, []message.VisibilityChange{{ReceiptHandle: nobodys, Seconds: 1}})),
	}
}

// told interprets the response to an invalid receipt handle. If a server accepts it, the
// call is allowed.
func told(a action, errs []error) Permission {
	p := Permission{Action: a.permission()}
	if len(errs) == 0 {
		return p
	}
	switch message.FaultOf(errs[0]) {
	case message.Refused:
		p.Err = errs[0]
	case message.ThrottledBySQS, message.Network:
		p.Err, p.Unknown = errs[0], true
	}
	return p
}

// mayReceive asks for eleven messages, with a wait and a visibility longer than SQS
// allows. If a server returns messages nevertheless, they are released immediately.
func (q *Queue) mayReceive(ctx context.Context) Permission {
	p := Permission{Action: receive.permission()}
	const tooMany, tooLong, tooHidden = MaxBatch + 1, 21, 43_201
	out, _, err := call(ctx, q, receive, callTimeout, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: tooMany, WaitTimeSeconds: tooLong, VisibilityTimeout: tooHidden,
	}, 0, q.client.sqs.ReceiveMessage)
	if err == nil {
		q.tally.count(receive, message.NoFault, 0)
		p.Unknown = true
		p.Err = errors.New("the server accepts a receive that SQS refuses, so the check is inconclusive")
		for i := range out.Messages {
			_ = q.ChangeVisibility(ctx, []message.VisibilityChange{{ReceiptHandle: text(out.Messages[i].ReceiptHandle)}})
		}
		return p
	}
	return told(receive, []error{err})
}
