// Package localsqs is an Amazon SQS server in memory: one http.Handler that
// speaks the AWS JSON 1.0 protocol (X-Amz-Target: AmazonSQS.Action), for the
// demo and the tests. An unmodified AWS SDK or command line works against it.
//
// It promises what a worker would notice: typed errors with SQS's names, MD5s,
// long polls served one by one in the order of their arrival, a long poll whose
// client went away gives back what it was handed (and the receive is not
// counted), visibility to the nanosecond of the clock it runs under, receive
// counts, FIFO groups and deduplication, delays, redrive to dead-letter queues
// and move tasks, retention, the limits of SQS.
//
// It never writes to disk, never checks a signature, and takes any
// credentials: bind it to 127.0.0.1. Queues live in one account
// (000000000000) and one region (us-east-1); an ARN of another region means
// the queue of the same name here. The old query protocol is refused by name.
//
// Where it is not like SQS: a deleted queue may be made again at once, messages
// come out oldest first, every receive sees all of them, and a change of
// DeduplicationScope holds at once. In one thing it is stricter: the visibility
// of a message that is not in flight, or by an older handle than the newest,
// cannot be changed. SQS's documents say so; SQS itself mostly lets it pass.
//
// It owns no goroutines. A queue has one timer, set only while a long poll
// waits for a delay or a visibility to end; a move task has one while it runs;
// so an idle server costs nothing, and all of it obeys the clock of a
// testing/synctest bubble. Close ends the long polls and stops the timers.
//
// One mutex guards all queues. Nothing is read, written, encoded or waited for
// while it is held, and each operation under it is O(1) or O(log n) in the
// number of messages.
package localsqs
