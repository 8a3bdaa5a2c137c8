// Package demo holds what stands around the daemon when somebody tries it: the
// front door that answers 202 and puts the request on the queue, the traffic
// that comes in bursts, the sink, which is a downstream that can be overrun, and a
// push, to show what becomes of the same traffic without a queue.
//
// The sink promises to take no more than it was told: more at once than its
// capacity, or more in any window than its limit, is answered with 429 and
// counted. It can be out on a schedule and overloaded after, and counts what came,
// what it refused and why, and what came twice. Nothing here knows the queue: the
// front door is given a function that sends. Bodies are read and dropped, never
// logged.
//
// FrontDoor and Sink are http.Handlers that start no goroutines; those of Sink.Serve,
// Traffic.Run and Push.Run end with their context. All of it obeys the clock of a
// testing/synctest bubble.
package demo
