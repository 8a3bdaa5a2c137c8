// Package limits reads what a target's answer says of the target's limits: how many more
// requests it takes, and until when. It knows the RateLimit and RateLimit-Policy fields of
// draft-ietf-httpapi-ratelimit-headers, those of its earlier drafts, and the
// X-RateLimit-… fields that came before it.
//
// It is a pure function of the answer's header. It never fails: what is malformed or
// cannot be true is ignored and counted.
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
package limits
