// Package simulation has no code but tests: they run the whole daemon (package
// app) in a testing/synctest bubble, against the embedded SQS server and a target
// over pipes, with faults of every kind that docs/simulation.md lists, and judge
// it by what the two servers have seen, never by what the daemon says of itself.
//
// A seed is one world: its queues, targets, messages, replicas, faults and stops
// are drawn from it. Everything that is drawn while the world runs is drawn from a
// hash of the seed, what it is for, the message or call, and the attempt, never
// from a stream that goroutines share; so a seed replays exactly.
package simulation
