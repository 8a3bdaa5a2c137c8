package app

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// failuresShown is how many failures the status lists, over all queues.
const failuresShown = 20

// causesShown is how many causes of failures the status lists, over all queues.
const causesShown = 50

// heldShown is how many held messages the status lists, over all queues.
const heldShown = 100

// Status returns a snapshot of the daemon for the admin port.
func (a *App) Status(now time.Time) admin.Status {
	st := admin.Status{StartedAt: inJSON(a.started), Memory: a.memoryStatus(), Queues: make([]admin.Queue, 0, len(a.queues)), Targets: []admin.Target{}, Failures: []admin.Failure{}, Held: []admin.Held{}, Causes: []admin.Cause{}, Dashboard: a.config.Dashboard}
	byTarget := make(map[string][]consumer.Snapshot)
	for _, r := range a.queues {
		c, problem := r.state()
		if c == nil {
			st.Queues = append(st.Queues, unreached(r.name, r.target.name, problem))
			continue
		}
		s := c.Snapshot(now)
		st.Queues = append(st.Queues, queueStatus(r.name, r.target.name, s))
		st.Failures = append(st.Failures, failuresOf(r.name, s)...)
		st.Causes = append(st.Causes, causesOf(r.name, r.target.name, s)...)
		st.Held = append(st.Held, heldOf(r.name, c.Held(heldShown), r.target.gate.Status(0).NextProbe)...)
		if s.Draining && (!st.Draining || s.DrainingSince.Before(st.DrainingSince)) {
			st.Draining, st.DrainingSince = true, inJSON(s.DrainingSince)
		}
		byTarget[r.target.name] = append(byTarget[r.target.name], s)
	}
	a.reload.Lock()
	defer a.reload.Unlock()
	replicas := max(1, a.loaded.Fleet.Replicas)
	st.Events = slices.Clone(a.events)
	for _, name := range a.names() {
		pace := a.targets[name].pace
		t := targetStatus(name, place(a.config.Targets[name].URL), pace.Limits(), pace.Delivering(), byTarget[name])
		t.Pace.Replicas = replicas
		t.Fleet = fleetStatus(a.targets[name].fleet, now)
		t.Overrides = a.overridesOf(name)
		t.Pace.Quotas = quotaStatus(pace.Quotas(now), now)
		t.Pace.Told = toldStatus(pace.Told(now))
		t.Pace.Adaptive = adaptiveStatus(pace.Adaptive())
		t.Gate = gateStatus(a.targets[name].gate.Status(pace.Limits().Concurrency))
		if t.Pace.Rate == 0 {
			t.Gate.NextProbe = nil // a paused target is not probed
		}
		st.Targets = append(st.Targets, t)
	}
	slices.SortStableFunc(st.Failures, func(a, b admin.Failure) int { return b.At.Compare(a.At) })
	st.Failures = st.Failures[:min(len(st.Failures), failuresShown)]
	slices.SortStableFunc(st.Causes, func(a, b admin.Cause) int { return b.Last.Compare(a.Last) })
	st.Causes = st.Causes[:min(len(st.Causes), causesShown)]
	slices.SortStableFunc(st.Held, func(a, b admin.Held) int { return a.Since.Compare(b.Since) })
	st.Held = st.Held[:min(len(st.Held), heldShown)]
	return st
}

// inJSON returns t as the status shows it: in UTC, to the millisecond.
func inJSON(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// unreached returns the status of a queue that has not been reached.
func unreached(name, target string, problem *admin.Problem) admin.Queue {
	q := admin.Queue{
		Name: name, Target: target,
		Lag: admin.Unknown, ReceiveTime: admin.Unknown, Drain: admin.Number(math.NaN()), DrainState: admin.DrainUnknown,
		InHand: map[string]int{}, Receives: map[string]int64{}, Settled: map[string]int64{}, Extensions: map[string]int64{},
	}
	if problem != nil {
		q.Problem = &admin.SQSProblem{What: problem.What, Since: inJSON(problem.Since), Fault: message.Network.String()}
	}
	return q
}

func queueStatus(name, target string, s consumer.Snapshot) admin.Queue {
	q := admin.Queue{
		Name:               name,
		Target:             target,
		Blocked:            s.Blocked,
		Lag:                admin.Unknown,
		ReceiveTime:        admin.Unknown,
		LagAtLeast:         s.Lag.AtLeast,
		Left:               s.Drain.Left,
		Drain:              admin.Number(s.Drain.Seconds),
		DrainState:         admin.DrainState(s.Drain.State),
		Received:           s.Received,
		Duplicates:         s.Duplicates,
		InHand:             s.InHand,
		Receives:           s.Receives,
		Settled:            s.Settled,
		Extensions:         s.Extensions,
		Ledger:             admin.Ledger{Size: s.LedgerSize, Hits: s.LedgerHits},
		Parked:             s.Parked,
		ReceivesEndWithin:  admin.Seconds(s.ReceivesEndWithin),
		StartedPerSecond:   s.StartedPerSecond,
		DeliveredPerSecond: s.DeliveredPerSecond,
		ClockOffset:        admin.Seconds(s.ClockOffset),
		Measures:           measuresOf(s),
		Waits:              waitsOf(s.Waits),
		Batches:            batchesOf(s.Batches),
	}
	if s.Lag.Known {
		q.Lag = admin.Seconds(s.Lag.Age)
	}
	if s.ReceiveTime > 0 {
		q.ReceiveTime = admin.Seconds(s.ReceiveTime)
	}
	if !s.DepthAt.IsZero() {
		q.Depth = &admin.Depth{Visible: s.Depth.Visible, InFlight: s.Depth.InFlight, Delayed: s.Depth.Delayed, AsOf: inJSON(s.DepthAt)}
	}
	q.DeadLetters = deadLetters(s.DeadLetters)
	if p := s.Problem; p != nil {
		q.Problem = &admin.SQSProblem{What: p.What, Since: inJSON(p.Since), Fault: p.Fault.String()}
		if p.Silent {
			q.Problem.Fault = admin.Silent
		}
	}
	return q
}

// deadLetters returns what is known of the dead-letter queue, or nil if there is none.
func deadLetters(d consumer.DeadLetters) *admin.DeadLetters {
	if d.Name == "" {
		return nil
	}
	is := &admin.DeadLetters{Name: d.Name, Sent: d.Sent}
	if d.Known {
		at := inJSON(d.At)
		is.Messages, is.AsOf = &d.Messages, &at
	}
	if !d.Since.IsZero() {
		since := inJSON(d.Since)
		is.Since = &since
	}
	return is
}

func failuresOf(queue string, s consumer.Snapshot) []admin.Failure {
	all := make([]admin.Failure, 0, len(s.Failures))
	for _, f := range s.Failures {
		all = append(all, admin.Failure{
			At: inJSON(f.At), Queue: queue, MessageID: f.MessageID, ReceiveCount: f.ReceiveCount,
			Outcome: f.Outcome, Status: f.Status, Reason: f.Reason, Detail: f.Detail,
		})
	}
	return all
}

func causesOf(queue, target string, s consumer.Snapshot) []admin.Cause {
	all := make([]admin.Cause, 0, len(s.Causes))
	for _, c := range s.Causes {
		one := admin.Cause{
			Queue: queue, Outcome: c.Outcome, Status: c.Status, Reason: c.Reason, Words: c.Words,
			Count: c.Count, First: inJSON(c.First), Last: inJSON(c.Last), Example: c.Example,
		}
		if c.Outcome != "" {
			one.Target = target
		}
		all = append(all, one)
	}
	return all
}

func measuresOf(s consumer.Snapshot) admin.Measures {
	return admin.Measures{
		Durations: s.Durations, Bound: consumer.DurationBound, Failed: s.FailedDeliveries,
	}
}

func waitsOf(w consumer.Waits) admin.Waits {
	one := func(w consumer.Wait) admin.Wait { return admin.Wait{Count: w.Count, Sum: admin.Seconds(w.Sum)} }
	return admin.Waits{Slot: one(w.Slot), Token: one(w.Token), Quota: one(w.Quota), Gate: one(w.Gate)}
}

// batchesOf returns nil where a request carries one message.
func batchesOf(b consumer.Batches) *admin.Batches {
	if b.Most <= 1 {
		return nil
	}
	return &admin.Batches{Most: b.Most, Last: append([]int{}, b.Sizes...), Dissolved: b.Dissolved}
}

func heldOf(queue string, held []consumer.HeldMessage, probe time.Time) []admin.Held {
	all := make([]admin.Held, 0, len(held))
	for _, m := range held {
		one := admin.Held{
			Queue: queue, MessageID: m.MessageID, ReceiveCount: m.ReceiveCount, Tries: m.Tries, Strikes: m.Strikes,
			Since: inJSON(m.Since), Outcome: m.Outcome.String(), Status: m.Status, Reason: m.Reason,
			WaitsFor: string(m.Awaits),
		}
		if !m.Next.IsZero() {
			next := inJSON(m.Next)
			one.Next = &next
		}
		if m.Awaits == consumer.AwaitsTarget && !probe.IsZero() {
			at := inJSON(probe)
			one.NextProbe = &at
		}
		all = append(all, one)
	}
	return all
}

// targetStatus adds up what the queues of one target delivered.
func targetStatus(name, place string, limits ratelimit.Limits, delivering int, queues []consumer.Snapshot) admin.Target {
	t := admin.Target{
		Name:         name,
		Place:        place,
		Pace:         admin.Pace{Rate: admin.Number(math.Inf(1)), Concurrency: limits.Concurrency},
		Delivering:   delivering,
		MeanDelivery: admin.Number(math.NaN()),
		Deliveries:   []admin.Deliveries{},
	}
	if limits.Limited {
		t.Pace.Rate, t.Pace.Burst = admin.Number(limits.Rate), limits.Burst
	}
	type kind struct {
		outcome, status string
		answer          message.Answer
	}
	counts := make(map[kind]int64)
	var sum, weights float64 // of the queues' mean delivery durations
	for _, s := range queues {
		t.StartedPerSecond += s.StartedPerSecond
		t.Hanging += s.Hanging
		t.LongestDelivery = max(t.LongestDelivery, admin.Seconds(s.LongestDelivery))
		for _, d := range s.Deliveries {
			counts[kind{d.Outcome.String(), d.Status, d.Answer}] += d.Count
		}
		if s.MeanDelivery > 0 {
			// An idle queue's mean counts a little, so that the last known mean stays.
			weight := s.DeliveredPerSecond + 1e-6
			sum += weight * s.MeanDelivery.Seconds()
			weights += weight
		}
	}
	if weights > 0 {
		t.MeanDelivery = admin.Number(sum / weights)
	}
	kinds := slices.SortedFunc(maps.Keys(counts), func(a, b kind) int {
		return cmp.Or(cmp.Compare(rank(a.outcome), rank(b.outcome)), cmp.Compare(a.answer.Status, b.answer.Status), cmp.Compare(a.status, b.status))
	})
	for _, k := range kinds {
		t.Deliveries = append(t.Deliveries, admin.Deliveries{Outcome: k.outcome, Status: k.status, Answer: k.answer.String(), Count: counts[k]})
	}
	return t
}

func quotaStatus(uses []ratelimit.QuotaUse, now time.Time) []admin.Quota {
	all := make([]admin.Quota, 0, len(uses))
	for _, u := range uses {
		q := admin.Quota{Limit: u.N, Window: admin.Seconds(u.Window), Used: u.Used, Left: u.N - u.Used}
		if u.FreeAt.After(now) {
			free := inJSON(u.FreeAt)
			q.FreeAt = &free
		}
		all = append(all, q)
	}
	return all
}

func toldStatus(is ratelimit.Told) *admin.Told {
	if !is.Known {
		return nil
	}
	t := &admin.Told{Remaining: is.Remaining, ResetAt: inJSON(is.Reset)}
	if is.Waiting {
		since := inJSON(is.Since)
		t.WaitingSince = &since
	}
	return t
}

func adaptiveStatus(is adapt.Status, on bool) *admin.Adaptive {
	if !on {
		return nil
	}
	a := &admin.Adaptive{Most: is.Most, Trial: is.Trying, RefusedAlone: is.Alone, Changes: []admin.Found{}}
	for _, c := range slices.Backward(is.History) {
		a.Changes = append(a.Changes, admin.Found{
			At: inJSON(c.At), Was: c.From, Concurrency: c.To, Reason: c.Reason.String(), Words: c.Words(),
		})
	}
	return a
}

func gateStatus(g gate.Status) admin.Gate {
	status := admin.Gate{
		State: g.State.String(), Since: inJSON(g.Since), Held: g.Held, TroubleMessages: g.Messages,
		Limit: g.Limit, Strikes: g.Strikes, Released: g.Released,
	}
	if !g.TroubleSince.IsZero() {
		since := inJSON(g.TroubleSince)
		status.TroubleSince, status.Reason, status.Answers = &since, g.Mostly.String(), g.Answers.String()
	}
	if !g.RejectsSince.IsZero() {
		since := inJSON(g.RejectsSince)
		status.RejectsSince, status.Rejected = &since, g.Rejected
	}
	if !g.NextProbe.IsZero() {
		next := inJSON(g.NextProbe)
		status.NextProbe = &next
	}
	return status
}

// rank orders outcomes as in the table of outcomes.
func rank(outcome string) int {
	return slices.IndexFunc(message.Outcomes(), func(o message.Outcome) bool { return o.String() == outcome })
}
