// Package gate says whether a target may be tried, and whose fault a failure was.
//
// A failing answer proves nothing by itself. The message is held: kept in hand and
// tried again, until it is known whether the message is at fault or the target. A hold
// costs no receive; a release costs one.
//
// Who is given up, and when. Each failed try can earn its message one strike:
//
//   - proof: another delivery that began later was delivered, and the gate has not
//     closed in between. Then the target was well, and it was the message;
//   - record: the message was struck or given up before, fewer than three messages fail
//     of which nothing is known, and either a quarter of the newcomers are delivered, or
//     the message has failed for five minutes;
//   - alone: the message has failed for five minutes with an answer that one strike is
//     enough for, and fewer than three messages fail at all.
//
// One strike is enough after 500, other 5xx, a time-out, and an answer by which a target
// refuses (3xx, 401, 403, 404, 405, 407, 421, and other 4xx once the target rejects
// everything); three after 502, 503, 504, 408, 425, a reset or a broken answer. More are
// needed where retrying works: so many, at most 100, that a message which retrying would
// deliver is given up once in a thousand times. Nobody is struck for 429, for a failure to
// connect, or for 502, 503, 504, 408 and 425 with a Retry-After: nothing is the message's
// fault there.
// What is rejected while everything is rejected is held for an hour at most.
//
// Whether the target may be tried is one state (state.go has the drawing), and a state
// is a limit: how many deliveries run, how far apart they start, what a receive may ask
// for.
//
// The package owns no goroutine, never waits, and may be used from several goroutines.
// What is called a question changes nothing.
package gate
