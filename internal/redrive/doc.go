// Package redrive looks into a queue, and puts the messages of a dead-letter queue back, one
// by one.
//
// It promises:
//   - a message is deleted from the dead-letter queue only after its copy was sent: a crash
//     at any moment leaves a copy too many, and loses none;
//   - no more messages a second are sent than the rate allows, and less while it ramps up;
//   - on a FIFO queue the messages of a group are sent in order, and after one that could not
//     be sent, none of those behind it;
//   - what is not moved is visible again when it ends, one receive older;
//   - what comes to the dead-letter queue after the start is left there, so that a message
//     that fails again does not go round in circles.
//
// It starts no goroutines: Run works until it is done, or until the first context ends, and
// then finishes the batch it has begun.
package redrive
