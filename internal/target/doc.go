// Package target delivers messages to the downstream over HTTP, in the format
// raw, and says what each delivery came to.
//
// It promises:
//
//   - One Deliver is at most one request on the wire, over HTTP/1.1 and HTTP/2:
//     nothing is ever sent again by itself, and redirects are not followed.
//     Whoever calls Deliver has taken one token for it.
//   - Deliver returns within the target's time-out, counted from connecting to
//     the end of the answer, and at once when its context ends.
//   - The outcome comes from one table (outcome.go), which docs/outcomes.md
//     repeats for people.
//   - Nothing of a message can add, split or forge a header. The body is sent
//     byte for byte.
//   - Errors and logs carry no bodies, no header values, no user info of the URL
//     and nothing of the answer but its status.
//   - What the target has not processed, by the word of the protocol, comes to
//     connection: GOAWAY, REFUSED_STREAM, and a connection that ended before a
//     byte of the request was sent.
//   - An answer that was there before the request was written is not taken for
//     its answer.
//
// It never retries, never waits for a pace, and never looks at SQS. It owns its
// connections (pool.go), each of which takes deliveries for some five minutes, so
// that a changed DNS answer is followed; Close ends them.
package target
