package simulation

import (
	"fmt"
	"time"
)

// invariants must hold in every seed, according to what the servers have seen.
// docs/simulation.md lists them.
var invariants = []struct {
	name  string
	holds func(*trial)
}{
	{"nothing is deleted before it was delivered", nothingIsDeletedBeforeItWasDelivered},
	{"every message ends delivered or in the dead-letter queue", everyMessageEndsDeliveredOrDead},
	{"everything received is settled or reported", everythingReceivedIsSettledOrReported},
	{"no more deliveries at once than slots", noMoreDeliveriesAtOnceThanSlots},
	{"no more starts than the rate allows", noMoreStartsThanTheRateAllows},
	{"no quota is ever passed", noQuotaIsEverPassed},
	{"a quota costs no receive", aQuotaCostsNoReceive},
	{"a told limit is kept", aToldLimitIsKept},
	{"groups are delivered in order, one at a time", groupsAreDeliveredInOrderOneAtATime},
	{"what was delivered is not delivered again", whatWasDeliveredIsNotDeliveredAgain},
	{"what is in hand stays extended", whatIsInHandStaysExtended},
	{"what is in hand is extended at half its visibility", whatIsInHandIsExtendedAtHalfItsVisibility},
	{"one failed entry delays no other", oneFailedEntryDelaysNoOther},
	{"changed attributes are followed", changedAttributesAreFollowed},
	{"no delivery starts with too little visibility", noDeliveryStartsWithTooLittleVisibility},
	{"a message in hand is delivered once", aMessageInHandIsDeliveredOnce},
	{"calls carry the newest handle", callsCarryTheNewestHandle},
	{"what was not delivered is released with its backoff", whatWasNotDeliveredIsReleasedWithItsBackoff},
	{"nothing is given up without proof", nothingIsGivenUpWithoutProof},
	{"no good message dies in an outage", noGoodMessageDiesInAnOutage},
	{"an outage burns no receives", anOutageBurnsNoReceives},
	{"poison ends in the dead-letter queue", poisonEndsInTheDeadLetterQueue},
	{"the gate opens soon", theGateOpensSoon},
	{"the backlog of an outage is delivered soon", theBacklogOfAnOutageIsDeliveredSoon},
	{"an outage is tried few times", anOutageIsTriedFewTimes},
	{"drains end in time and strand nothing", drainsEndInTimeAndStrandNothing},
	{"a stop costs a message one receive", aStopCostsAMessageOneReceive},
	{"what is in hand is bounded", whatIsInHandIsBounded},
	{"few requests a message", fewRequestsAMessage},
	{"an idle queue costs one long poll at a time", anIdleQueueCostsOneLongPollAtATime},
	{"one message's refusal stops nobody else", oneMessagesRefusalStopsNobodyElse},
	{"a target that rejects everything kills no good message", aTargetThatRejectsEverythingKillsNoGoodMessage},
	{"undeleted messages are bounded", undeletedMessagesAreBounded},
	{"memory is bounded", memoryIsBounded},
	{"what was not processed has no strike", whatWasNotProcessedHasNoStrike},
	{"a kill repeats one message of a group", aKillRepeatsOneMessageOfAGroup},
	{"no message is struck for its neighbour", noMessageIsStruckForItsNeighbour},
	{"a refusal for one's sake stops no neighbour", aRefusalForOnesSakeStopsNoNeighbour},
	{"a batch is one token and one slot", aBatchIsOneTokenAndOneSlot},
	{"adapting kills no good message", adaptingKillsNoGoodMessage},
	{"the limit found is near the truth", theLimitFoundIsNearTheTruth},
}

// judge returns the invariants that a world has broken, and how.
func judge(w *world) []string {
	t := newTrial(w)
	t.count()
	all := w.faults
	for _, i := range invariants {
		t.broken, t.reached = nil, 0
		i.holds(t)
		t.tally["invariant: "+i.name] = t.reached
		for k, b := range t.broken {
			if k == 3 {
				all = append(all, fmt.Sprintf("%s: and %d more", i.name, len(t.broken)-k))
				break
			}
			all = append(all, i.name+": "+b)
		}
	}
	return all
}

// reaches notes that the situation which an invariant is about has occurred.
func (t *trial) reaches() { t.reached++ }

// breaks notes that an invariant does not hold.
func (t *trial) breaks(at instant, by *process, format string, args ...any) {
	t.broken = append(t.broken, fmt.Sprintf("at %.9f s %s %s", at.Seconds(), by.name, fmt.Sprintf(format, args...)))
}

// queue is the queue that a message was sent to.
func (t *trial) queue(message int) *queuePlan { return &t.plan.queues[t.plan.sends[message].queue] }

// end is when a process had ended.
func (t *trial) end(p *process) instant {
	switch {
	case p.killed != never:
		return p.killed
	case p.exited != never:
		return p.exited
	default:
		return t.stopped
	}
}

// slow is the latency from which a call no longer counts as well.
const slow = time.Second

// well reports whether a call went as it should: SQS did what it was asked, and said so
// soon.
func (c *sqsCall) well() bool {
	if c.fate.kind != plain || c.stood || c.fate.before > slow || c.fate.after > slow || c.told != "" || c.came == never {
		return false
	}
	for i := range c.entries {
		if c.entries[i].code != "" {
			return false
		}
	}
	return true
}

// overlaps reports whether a call was under way in some part of a time.
func (c *sqsCall) overlaps(from, to instant, t *trial) bool {
	until := c.came
	if until == never {
		until = t.end(c.by)
	}
	return c.sent <= to && until >= from
}

// undisturbed reports whether all of a process's calls in a time went well, and nothing
// of what it had was taken away.
func (t *trial) undisturbed(p *process, from, to instant) bool {
	if p.standsIn(from, to) {
		return false
	}
	for _, c := range t.byWhom[p] {
		if !c.well() && c.overlaps(from, to, t) {
			return false
		}
	}
	for _, l := range t.lives {
		if l.by != p {
			continue
		}
		for _, r := range l.receives {
			if when, ok := t.stolen[r.handle]; ok && when <= to && (l.ended == never || l.ended >= from) {
				return false
			}
		}
	}
	return true
}
