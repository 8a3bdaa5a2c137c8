// Package target delivers messages to the downstream over HTTP, in the format
// raw, and says what each delivery came to.
//
// It promises:
//
//   - One Deliver is at most one request on the wire, over HTTP/1.1 and HTTP/2:
//     the transport never sends again by itself, and redirects are not followed.
//     Whoever calls Deliver has taken one token for it.
//   - Deliver returns within the target's time-out, counted from connecting to
//     the end of the answer, and at once when its context ends.
//   - The outcome comes from one table (outcome.go), which docs/outcomes.md
//     repeats for people.
//   - Nothing of a message can add, split or forge a header. The body is sent
//     byte for byte.
//   - Errors and logs carry no bodies, no header values, no user info of the URL
//     and nothing of the answer but its status.
//
// It never retries, never waits for a pace, and never looks at SQS. Beside the
// connections of net/http, it owns one timer, which closes idle connections
// every five minutes so that a changed DNS answer is followed; Close ends it.
package target
