// Package consumer is the engine: it takes the messages of one queue to one
// target at the target's pace, and settles each of them.
//
// It promises:
//   - it asks SQS only for what it can start soon (demand.go has the rule);
//   - a message that was received is deleted after its delivery, released, or
//     reported as abandoned: nothing is forgotten;
//   - everything in hand is extended at half of its visibility, and no delivery
//     starts with too little of it left; a change of the queue's own is followed;
//   - a message that comes twice while it is in hand is one delivery and one
//     settle; one that was delivered and could not be deleted is deleted, not
//     delivered, when it comes again to this process;
//   - at a stop, what has begun is finished, and the rest is released.
//
// There are two layers. Consumer conducts: a message's way is receive.go, start.go,
// deliver.go, settle.go and, meanwhile, extend.go; a stop is drain.go. Its hand owns
// the messages and their ends, each in the file of its name: delete.go, reject.go,
// release.go and lose.go. Its view answers what is asked of the queue as a whole: how much
// waits in it, for how long, and whether it empties (backlog.go, lag.go, outlook.go).
//
// One mutex guards everything in hand. Every event (a receive returned, a
// delivery ended, a call was answered, a timer fired) takes it, changes the
// state, and calls turn, which starts whatever the new state allows; it is never
// held across a call that waits. Run is the loop behind the timers. The calls
// themselves (polls, deliveries, settles) run on crews of goroutines that Run
// owns and waits for; their number is bounded by the polls that may be out, the
// slots, and the batches that may be out.
package consumer
