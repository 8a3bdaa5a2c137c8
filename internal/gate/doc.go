// Package gate decides whether a target may be tried, and whether a failure is the
// message's fault or the target's.
//
// A failed try proves nothing by itself. The message is held: kept in hand and tried
// again until it is clear which of the two is at fault. A hold costs no receive; a
// release costs one.
//
// Who is given up, and when. A failed try can earn its message one strike, in one of
// three ways:
//
//   - proof: a delivery that began later succeeded, and the gate has not closed in
//     between. The target was fine, so the message is at fault;
//   - record: the message was struck or given up before, fewer than three unknown
//     messages are failing, and either a quarter of all first tries succeed or this
//     message has failed for five minutes;
//   - alone: the message has failed for five minutes with an answer for which one strike
//     is enough, and fewer than three messages are failing in total.
//
// One strike is enough for a 500 and other 5xx, a timeout, and an answer that means the
// target is refusing (3xx, 401, 403, 404, 405, 407, 421, and other 4xx once the target
// rejects everything). Three are needed for 502, 503, 504, 408, 425, a reset or a broken
// answer. If retries tend to succeed, more are needed, up to 100: enough that only one in
// a thousand messages that a retry would have delivered is given up. A 429, a failure to
// connect, or a 502, 503, 504, 408 or 425 with a Retry-After is never the message's fault
// and earns no strike. A message rejected while the target rejects everything is
// held for at most an hour.
//
// Whether the target may be tried is a state (see the diagram in state.go). A state is a
// limit: how many deliveries run, how far apart they start, and how much a receive may
// ask for.
//
// The package starts no goroutines, never blocks, and is safe for concurrent use.
// Methods that only report change nothing.
package gate
