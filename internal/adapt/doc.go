// Package adapt finds how many deliveries a target takes concurrently when nobody knows
// the number. The limit is always between 1 and a maximum.
//
// A delivery that is refused (429, 503) while others run shows that the target takes no
// more than those others; so many are the new limit, whatever it was. A refusal with
// nothing else running says nothing about concurrency and never lowers it. Every 200
// deliveries without a refusal the limit is raised by one, and if that works twice as far
// each time. A target that queues instead of refusing is noticed by its latency. A limit
// that was lowered for the wrong reason is taken back: a cut by latency that did not help,
// a trial that did not lower the share of refusals, or what the first seconds of an outage
// did.
//
// It knows neither queues nor gates. Its caller counts the deliveries, and passes only the
// answers that say something about load: none while the target is down, and none of a
// probe. It starts no goroutines and is not safe for concurrent use.
package adapt
