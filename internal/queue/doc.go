// Package queue calls Amazon SQS: it receives, deletes, changes visibility, sends and
// reads attributes. It is the only package that imports the AWS SDK.
//
// ReceiveMessage and DeleteMessageBatch go out without the SDK's middleware; wire.go says
// what is done instead. All other calls are the SDK's.
//
// Region, credentials and endpoint come only from the SDK's own variables and files. One
// call is one request on the wire. Only the caller repeats it, except that a request is
// sent on another connection if a kept one was closed before anything was sent. A response
// is read completely before anything is done with it, so that no received message is lost
// between SQS and the caller. Every call is bounded in time; a receive ends at most ten
// seconds after its long poll. Every error from SQS is a *message.SQSError: classified by
// what to do about it, with advice in plain words, and without bodies, receipt handles or
// credentials. The error of a canceled call also satisfies
// errors.Is(err, context.Canceled).
//
// When SQS refuses the credentials, the SDK's chain is rebuilt, including its files, at
// most every 30 s. Credentials that cannot be fetched at the moment are treated like a
// network failure; credentials that are not set at all, like a refusal.
//
// The package starts no goroutines except those of net/http; Close ends them.
package queue
