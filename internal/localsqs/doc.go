// Package localsqs is an in-memory Amazon SQS server for the demo and the tests. It
// is an http.Handler that speaks the AWS JSON 1.0 protocol (X-Amz-Target:
// AmazonSQS.Action). Unmodified AWS SDKs and the AWS command line work with it.
//
// It implements what a worker can notice: typed errors with SQS's names, MD5s, long
// polls served in order of arrival, visibility exact to the nanosecond, receive counts,
// FIFO groups and deduplication, delays, redrive to dead-letter queues and move tasks,
// retention, and SQS's limits. If the client of a long poll goes away, the messages it
// was handed become visible again and the receive does not count.
//
// It never writes to disk, never checks signatures, and accepts any credentials: bind
// it to 127.0.0.1. All queues are in one account (000000000000) and one region
// (us-east-1); an ARN of another region refers to the queue of the same name here. The
// old query protocol is refused with a message that names it.
//
// It differs from SQS as follows. A deleted queue can be created again immediately,
// messages are returned oldest first, every receive sees all of them, and a change of
// DeduplicationScope takes effect immediately. It is stricter in one respect: the
// visibility of a message that is not in flight cannot be changed, nor can it be
// changed with an older handle than the newest. SQS's documentation says the same, but
// SQS mostly allows it.
//
// It starts no goroutines. A queue has one timer, set only while a long poll waits for
// a delay or a visibility to end; a move task has one while it runs. So an idle server
// costs nothing, and everything obeys the clock of a testing/synctest bubble. Close
// ends the long polls and stops the timers.
//
// One mutex guards all queues. Nothing is read, written, encoded or waited for while
// it is held, and every operation under it is O(1) or O(log n) in the number of
// messages.
package localsqs
