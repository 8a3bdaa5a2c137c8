// Package demo provides what surrounds the daemon in a demo: a front door that answers
// 202 and puts the request on the queue, bursts of traffic, a sink, which is a downstream
// that can be overloaded, and a push, which shows what happens to the same traffic
// without a queue.
//
// The sink accepts no more than configured: requests beyond its concurrency, or beyond
// its limit in any window, are answered 429 and counted. It can have scheduled outages,
// followed by overload, and counts requests, refusals with their reasons, and duplicates. It
// can read requests as a target of a format does, and verify who sends them. Nothing here
// depends on the queue: the front door is given a function that sends.
// Bodies are never kept or logged.
//
// FrontDoor and Sink are http.Handlers that start no goroutines. Those of Serve,
// Traffic.Run and Push.Run end with their context. Everything obeys the clock of a
// testing/synctest bubble.
package demo
