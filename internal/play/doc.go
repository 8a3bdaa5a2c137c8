// Package play keeps docs/hold.html, in which a reader plays an outage, poison and 429 and
// sees what becomes of twenty messages. Its test runs the real engine, gate and pace against
// the embedded SQS server in virtual time, for each combination, and compares what happened
// with what the page has:
//
//	go test ./internal/play -update    writes it anew
package play
