package admin

import (
	"math"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// idle returns the status of a daemon with nothing to do.
func idle() Status {
	return Status{
		At: noon, StartedAt: noon.Add(-time.Hour), Ready: true, Healthy: true,
		Queues: []Queue{{
			Name: "orders", Target: "partner", Depth: &Depth{AsOf: noon}, DrainState: DrainEmpty,
			InHand: map[string]int{"waiting": 0, "delivering": 0}, Receives: map[string]int64{"empty": 3, "full": 9},
			Settled: map[string]int64{"delivered": 90},
		}},
		Targets: []Target{{
			Name: "partner", Place: "https://partner.example",
			Pace: Pace{Rate: 28, Burst: 1, Concurrency: 10}, MeanDelivery: 0.2,
			Deliveries: []Deliveries{{Outcome: "delivered", Status: "2xx", Count: 90}},
		}},
	}
}

// behind returns the status of a daemon that is behind.
func behind() Status {
	s := idle()
	q, t := &s.Queues[0], &s.Targets[0]
	q.Lag, q.Depth.Visible, q.Drain, q.DrainState = Seconds(130*time.Second), 1240, 410, DrainShrinking
	q.InHand = map[string]int{"waiting": 9, "delivering": 6}
	q.StartedPerSecond, q.DeliveredPerSecond = 28, 27.6
	t.StartedPerSecond, t.Delivering = 28, 6
	t.DeliveriesLastMinute = []Deliveries{{Outcome: "delivered", Status: "2xx", Count: 1656}}
	return s
}

func failing(outcome, status string, failed, fine int64) func(*Status) {
	return func(s *Status) {
		s.Targets[0].DeliveriesLastMinute = []Deliveries{{Outcome: outcome, Status: status, Count: failed}, {Outcome: "delivered", Status: "2xx", Count: fine}}
	}
}

func TestTheVerdictSaysWhatToLookAt(t *testing.T) {
	for name, c := range map[string]struct {
		from   func() Status
		change func(*Status)
		level  Level
		text   string
	}{
		"nothing to do": {idle, func(*Status) {}, Good, "Keeping up: the queue is empty"},
		"before the first answer": {
			idle, func(s *Status) { s.Queues[0].Receives = map[string]int64{"full": 0} },
			Good, "Started: waiting for SQS's first response",
		},
		"a breath behind": {
			behind, func(s *Status) { s.Queues[0].Lag, s.Queues[0].Depth.Visible = Seconds(1234*time.Millisecond), 20 },
			Good, "Keeping up: 28/s delivered, lag 1.2 s",
		},
		"the end of a backlog, whose lag is still that of the last minute": {
			behind, func(s *Status) {
				s.Queues[0].Lag, s.Queues[0].Depth.Visible, s.Queues[0].DeliveredPerSecond = Seconds(14*time.Second), 0, 12
			},
			Good, "Keeping up: no messages waiting; 12/s delivered, lag 14 s",
		},
		"at the rate": {
			behind, func(*Status) {}, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's rate of 28/s; empty in about 6 min 50 s",
		},
		"a backlog that just came": {
			behind, func(s *Status) { s.Queues[0].Lag, s.Queues[0].DrainState = Seconds(2*time.Second), DrainUnknown }, Notice,
			"Behind: 1,240 messages, lag 2 s, limited by the target's rate of 28/s",
		},
		"a target that says it takes no more": {
			behind, func(s *Status) {
				failing("throttled", "4xx", 90, 10)(s)
				s.Targets[0].Pace.Told = &Told{ResetAt: noon.Add(40 * time.Second), WaitingSince: &noon}
			}, Notice,
			"Behind: 1,240 messages; target partner takes no more until 12:00:40 UTC (in 40 s), as it says itself",
		},
		"a target that says it takes no more for a moment": {
			behind, func(s *Status) {
				s.Targets[0].Pace.Rate = 100
				s.Targets[0].Pace.Told = &Told{ResetAt: noon.Add(4 * time.Second), WaitingSince: &noon}
			}, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by what the target says it takes; empty in about 6 min 50 s",
		},
		"at a quota": {
			behind, func(s *Status) {
				free := noon.Add(9 * time.Second)
				s.Targets[0].Pace.Rate = 100
				s.Targets[0].Pace.Quotas = []Quota{{Limit: 1000, Window: Seconds(time.Minute), Used: 1000, FreeAt: &free}}
			}, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's quota of 1,000 a minute; empty in about 6 min 50 s",
		},
		"a quota that is used up": {
			behind, func(s *Status) {
				soon, free := noon.Add(20*time.Second), noon.Add(123*time.Minute)
				s.Queues[0].Lag, s.Queues[0].StartedPerSecond, s.Queues[0].DeliveredPerSecond, s.Targets[0].StartedPerSecond = 0, 0, 0, 0
				s.Targets[0].Pace.Quotas = []Quota{
					{Limit: 1000, Window: Seconds(time.Minute), Used: 1000, FreeAt: &soon},
					{Limit: 50_000, Window: Seconds(24 * time.Hour), Used: 50_000, FreeAt: &free},
				}
			}, Notice,
			"Behind: 1,240 messages; the quota of 50,000 a day is used up until 14:03:00 UTC (in 2 h 3 min)",
		},
		"a quota of an hour that is used up": {
			behind, func(s *Status) {
				free := noon.Add(time.Minute)
				s.Targets[0].Pace.Quotas = []Quota{{Limit: 50, Window: Seconds(time.Hour), Used: 50, FreeAt: &free}}
			}, Notice,
			"Behind: 1,240 messages; the quota of 50 an hour is used up until 12:01:00 UTC (in 1 min)",
		},
		"a quota that is used up until another day": {
			behind, func(s *Status) {
				free := noon.Add(23 * time.Hour)
				s.Targets[0].Pace.Quotas = []Quota{{Limit: 5, Window: Seconds(48 * time.Hour), Used: 5, FreeAt: &free}}
			}, Notice,
			"Behind: 1,240 messages; the quota of 5 in 2 d is used up until 2026-11-21 11:00:00 UTC (in 23 h)",
		},
		"a quota that is used up, and nothing waits": {
			idle, func(s *Status) {
				free := noon.Add(time.Hour)
				s.Targets[0].Pace.Quotas = []Quota{{Limit: 5, Window: Seconds(time.Hour), Used: 5, FreeAt: &free}}
			}, Good, "Keeping up: the queue is empty",
		},
		"at the concurrency": {
			behind, func(s *Status) { s.Targets[0].Pace.Rate, s.Targets[0].MeanDelivery = Number(math.Inf(1)), 0.35 }, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's concurrency of 10 at 350 ms per delivery; empty in about 6 min 50 s",
		},
		"at no limit that is known, and it grows": {
			behind, func(s *Status) { s.Targets[0].StartedPerSecond, s.Queues[0].DrainState = 12, DrainGrowing }, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s; the queue is growing",
		},
		"a lag that is not known": {
			behind, func(s *Status) { s.Queues[0].Lag, s.Queues[0].DrainState = Unknown, DrainUnknown }, Notice,
			"Behind: 1,240 messages, limited by the target's rate of 28/s",
		},
		"as many come as are delivered": {
			behind, func(s *Status) { s.Queues[0].DrainState = DrainSteady }, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's rate of 28/s; the queue is not shrinking",
		},
		"a depth that is not known": {
			behind, func(s *Status) { s.Queues[0].Depth, s.Queues[0].DrainState = nil, DrainUnknown }, Notice,
			"Behind, lag 2 min 10 s, limited by the target's rate of 28/s",
		},
		"the target fails": {
			behind, failing("unavailable", "5xx", 93, 7), Bad,
			"Target partner fails: 93% of deliveries in the last minute failed, mostly with 5xx",
		},
		"the target fails with one status": {behind, func(s *Status) {
			failing("unavailable", "5xx", 93, 7)(s)
			s.Failures = []Failure{{Queue: "orders", Reason: "network"}, {Queue: "orders", Outcome: "unavailable", Status: 503, Reason: "5xx"}}
		}, Bad, "Target partner fails: 93% of deliveries in the last minute failed, mostly with 5xx (the last one 503)"},
		"the target throttles": {
			behind, failing("throttled", "4xx", 60, 40), Bad,
			"Target partner throttles: 60% of deliveries in the last minute were answered 429",
		},
		"the target is gone": {
			behind, failing("connection", "refused", 5, 0), Bad,
			"Target partner cannot be reached: 100% of deliveries in the last minute failed, mostly with refused",
		},
		"the target rejects": {
			idle, failing("rejected", "4xx", 5, 0), Bad,
			"Target partner rejects messages: 100% of deliveries in the last minute failed, mostly with 4xx",
		},
		"the target fails now and then": {
			behind, failing("failed", "timeout", 10, 90), Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's rate of 28/s; empty in about 6 min 50 s; " +
				"10% of deliveries in the last minute failed, mostly with timeout",
		},
		"dead letters": {idle, func(s *Status) {
			n, since := 5, noon.Add(2*time.Hour+3*time.Minute)
			s.Queues[0].DeadLetters = &DeadLetters{Name: "orders-dlq", Messages: &n, Since: &since}
		}, Notice, "Keeping up: the queue is empty; 5 in the dead-letter queue since 14:03 UTC"},
		"dead letters from before the start": {behind, func(s *Status) {
			n := 1240
			s.Queues[0].DeadLetters = &DeadLetters{Name: "orders-dlq", Messages: &n}
		}, Notice, "Behind: 1,240 messages, lag 2 min 10 s, limited by the target's rate of 28/s; empty in about 6 min 50 s; 1,240 in the dead-letter queue"},
		"no dead letters": {idle, func(s *Status) {
			s.Queues[0].DeadLetters = &DeadLetters{Name: "orders-dlq", Messages: new(int)}
		}, Good, "Keeping up: the queue is empty"},
		"a failure among many is no news": {idle, failing("failed", "5xx", 1, 99), Good, "Keeping up: the queue is empty"},
		"the target hangs": {behind, func(s *Status) {
			t := &s.Targets[0]
			t.StartedPerSecond, t.Delivering, t.DeliveriesLastMinute = 0, 10, nil
		}, Bad, "Target partner is hanging: no delivery has ended in the last minute, 10 in progress"},
		"paused": {behind, func(s *Status) { s.Targets[0].Pace.Rate = 0 }, Notice, "Paused: the rate of target partner is 0: 1,240 messages"},
		"SQS refuses": {behind, func(s *Status) {
			s.Queues[0].Problem = &SQSProblem{What: "ReceiveMessage on orders: access denied", Since: noon.Add(-3 * time.Second), Fault: "refused"}
		}, Bad, "SQS refuses: ReceiveMessage on orders: access denied, since 11:59:57 UTC (3 s)"},
		"SQS is gone": {behind, func(s *Status) {
			s.Queues[0].Problem = &SQSProblem{What: "ReceiveMessage on orders: connection refused", Since: noon.Add(-90 * time.Second), Fault: "network"}
		}, Bad, "SQS does not respond: ReceiveMessage on orders: connection refused, since 11:58:30 UTC (1 min 30 s)"},
		"a hiccup of SQS is no news": {idle, func(s *Status) {
			s.Queues[0].Problem = &SQSProblem{What: "ReceiveMessage on orders: reset", Since: noon.Add(-3 * time.Second), Fault: "network"}
		}, Good, "Keeping up: the queue is empty"},
		"SQS hands out no more": {
			behind, func(s *Status) { s.Queues[0].Blocked = "in_flight_limit" }, Bad,
			"Blocked: 1,240 messages, but SQS returns none: too many are in flight, including those of other consumers",
		},
		"what was delivered cannot be deleted": {
			behind, func(s *Status) {
				q := &s.Queues[0]
				q.Blocked, q.InHand["deleting"] = "unsettled", 110
			}, Bad,
			"Blocked: 1,240 messages, but nothing more is received: SQS has not confirmed the delete or release of 110 messages",
		},
		"groups that wait": {
			behind, func(s *Status) { s.Queues[0].Blocked = "groups" }, Notice,
			"Blocked: 1,240 messages, but SQS returns none: earlier messages of their groups are in flight, here or at another consumer",
		},
		"a stop": {
			behind, func(s *Status) { s.Draining, s.Ready = true, false }, Notice,
			"Draining: nothing more is received, 15 messages still in hand",
		},
		"a closed gate": {behind, func(s *Status) {
			next := noon.Add(1500 * time.Millisecond)
			s.Targets[0].Gate = Gate{State: "closed", Since: noon.Add(-time.Minute), Held: 47, Reason: "connection", NextProbe: &next}
		}, Bad, "Target partner is down: deliveries have failed to connect since 11:59:00 UTC (1 min); nothing is lost, 47 messages held, next probe in 1.5 s"},
		"rejects everything": {behind, func(s *Status) {
			since := noon.Add(-time.Minute)
			s.Targets[0].Gate = Gate{State: "open", Held: 40, RejectsSince: &since, Rejected: 5}
		}, Bad, "Target partner rejects everything since 11:59:00 UTC (1 min): 5 given back, 40 held"},
		"a half-open gate": {behind, func(s *Status) {
			s.Targets[0].Gate = Gate{State: "half_open", Since: noon, Held: 47, Limit: 3}
		}, Notice, "Target partner is coming back: up to 3 concurrent deliveries, more with each success; 47 messages held"},
		"a loop that stands still": {behind, func(s *Status) {
			s.Healthy, s.Unhealthy = false, []Problem{{"the loop of queue orders has not turned", noon.Add(-2 * time.Minute)}}
		}, Bad, "Stuck: the loop of queue orders has not turned, since 11:58:00 UTC (2 min)"},
		"a start": {idle, func(s *Status) {
			s.Ready, s.NotReady = false, []Problem{{"the queue orders has not been reached yet", noon.Add(-time.Second)}}
		}, Notice, "Starting: the queue orders has not been reached yet, since 11:59:59 UTC (1 s)"},
		"a start that takes too long": {idle, func(s *Status) {
			s.Ready, s.NotReady = false, []Problem{{"GetQueueUrl on orders: no answer", noon.Add(-time.Minute)}}
		}, Bad, "Not ready: GetQueueUrl on orders: no answer, since 11:59:00 UTC (1 min)"},
		"the worst of two queues": {idle, func(s *Status) {
			b := behind()
			b.Queues[0].Name, b.Queues[0].Target = "invoices", "erp"
			b.Targets[0].Name = "erp"
			s.Queues, s.Targets = append(s.Queues, b.Queues...), append(s.Targets, b.Targets...)
		}, Notice, "invoices: Behind: 1,240 messages, lag 2 min 10 s, limited by the target's rate of 28/s; empty in about 6 min 50 s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.from()
			c.change(&s)
			s.assess(noon)
			if s.Verdict != (Verdict{c.level, c.text}) {
				t.Errorf("the verdict is\n%s: %s\nnot\n%s: %s", s.Verdict.Level, s.Verdict.Text, c.level, c.text)
			}
		})
	}
}

// A queue that hardly shrinks takes longer to empty than a time.Duration can hold.
func TestAQueueThatHardlyShrinksIsSaidToTakeOverAYear(t *testing.T) {
	for drain, want := range map[Number]string{
		90: "about 1 min 30 s", 364 * 86400: "about 364 d", 366 * 86400: "more than a year", 1e12: "more than a year", math.MaxFloat64: "more than a year",
	} {
		q := Queue{Drain: drain, DrainState: DrainShrinking}
		if got := q.emptyIn(); got != want {
			t.Errorf("%g s: %q, not %q", float64(drain), got, want)
		}
		if got := q.outlook(); got != "; empty in "+want {
			t.Errorf("%g s: %q", float64(drain), got)
		}
	}
}
