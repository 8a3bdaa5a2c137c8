// Package fleet shares one budget of rate and slots between all replicas, through a
// coordinator on Redis or Valkey.
//
// It promises, over all replicas that use one name: in any window of length t at most
// rate × t + burst deliveries start, plus one for each replica that goes on by itself, and
// never are more running than there are slots, whatever crashes, stalls, is cut off or
// forgets. docs/fleet.md says in which fault which part of it holds, and what is not
// promised.
//
//   - A token is a time stamp. It may be used within a window after its stamp and at no
//     other time, so a replica that stalls with tokens in hand uses none of them late.
//   - A replica owns what it holds and says so in each call. The coordinator's record of it
//     never falls below that, so that a lost answer breaks nothing.
//   - A call that the coordinator reads more than half a second after it was sent has no
//     effect.
//   - Wall clocks are never used. The coordinator's clock is mapped to our monotonic one.
//
// script.lua is the coordinator, one call at a time. member is the replica: a state
// machine that is told the time and starts nothing itself. Fleet is what the rest of the
// process sees: Run owns the goroutine that makes the calls, and a ratelimit.Pace asks for
// slots and tokens.
package fleet
