// Package target delivers messages over HTTP, in one of several formats (format.go), and
// reports the outcome of each delivery.
//
//   - One Deliver is at most one request on the wire, over HTTP/1.1 and HTTP/2: nothing
//     is retried automatically, and redirects are not followed. The caller of Deliver has
//     taken one token for it.
//   - Deliver returns within the target's timeout, counted from connecting to the end of
//     the answer, and immediately when its context ends.
//   - The outcome comes from one table (outcome.go), which is also in docs/outcomes.md.
//   - Nothing in a message can add, split or forge a header. The body is sent byte for
//     byte.
//   - Errors and logs contain no bodies, no header values, no user info of the URL, and
//     nothing of the answer except its status.
//   - The answer of a function is read as a stream, of which nothing is kept.
//   - A request that the target has not processed according to the protocol has the
//     outcome connection: after GOAWAY, REFUSED_STREAM, or the end of a connection before
//     a byte of the request was sent.
//   - Bytes that arrive before the request is written are not taken for its answer.
//
// The package never retries, never waits for the pace, and does not know SQS. It keeps its
// own connections (pool.go). Each takes deliveries for about five minutes, so that changes
// of DNS are followed. Close ends them.
package target
