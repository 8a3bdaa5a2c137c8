// Package queue makes the calls to Amazon SQS: receive, delete, change of
// visibility, send, attributes. It is the only room that knows the AWS SDK.
//
// It promises: region, credentials and endpoint come from the SDK's own
// variables and files alone; one call is one request on the wire, sent again by
// nobody but the caller (but for a kept connection that was closed before the
// request went out); an answer is read whole before anything looks at it, so that
// no receive is lost between SQS and the caller; each call ends in time, a receive
// ten seconds after its long poll at the latest. Every error of SQS is a
// *message.SQSError: sorted by what follows from it, in a sentence that says what
// to do, without bodies, receipt handles or credentials. A call that was cancelled
// also satisfies errors.Is(err, context.Canceled).
//
// When SQS refuses the credentials, the SDK's chain is built again, files and all, at
// most every 30 s. Credentials that cannot be fetched for now are like a network that
// is down; ones that nobody has set are refused.
//
// It owns no goroutines but those of net/http; Close ends them.
package queue
