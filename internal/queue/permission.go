package queue

import (
	"context"
	"errors"
	"net/http"

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
	body := receiveBody(q.url, "", tooMany, tooLong, tooHidden)
	messages, _, err := call(ctx, q, receive, callTimeout, 0, func(ctx context.Context) (messages []*message.Message, err error) {
		_, err = q.client.wire.do(ctx, receive, body, func(answer *http.Response) error {
			messages, err = q.client.wire.messages(ctx, answer, nil)
			return err
		})
		return messages, err
	})
	if err == nil {
		q.tally.count(receive, message.NoFault, 0)
		p.Unknown = true
		p.Err = errors.New("the server accepts a receive that SQS refuses, so the check is inconclusive")
		for _, m := range messages {
			_ = q.ChangeVisibility(ctx, []message.VisibilityChange{{ReceiptHandle: m.ReceiptHandle}})
		}
		return p
	}
	return told(receive, []error{err})
}
