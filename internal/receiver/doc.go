// Package receiver reads requests as the targets of poller's formats do, strictly, and
// answers as they do. It is written from the formats' own specifications and shares no code
// with internal/target, whose other side it is: what one of them gets wrong, the other
// refuses.
//
// What is wrong with a request is a Problem: one sentence, in our own words. It contains
// nothing from the request, which may hold secrets, so the number of different problems is
// small. No secret leaves this package either.
//
// Nothing here starts a goroutine. Formats and Verifiers may be used concurrently.
package receiver
