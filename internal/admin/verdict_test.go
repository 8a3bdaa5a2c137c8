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

func failedWith(outcome, status, answer string, failed, fine int64) func(*Status) {
	return func(s *Status) {
		s.Targets[0].DeliveriesLastMinute = []Deliveries{
			{Outcome: outcome, Status: status, Answer: answer, Count: failed}, {Outcome: "delivered", Status: "2xx", Answer: "204", Count: fine},
		}
	}
}

// closedBy closes the gate of the first target by these answers.
func closedBy(answers string) func(*Status) {
	return func(s *Status) {
		s.Targets[0].Gate = Gate{State: "closed", Since: noon.Add(-time.Minute), Held: 24, Answers: answers}
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
			idle, func(s *Status) {
				q := &s.Queues[0]
				q.Receives, q.Depth, q.DrainState, q.Lag = map[string]int64{"full": 0}, nil, DrainUnknown, Unknown
			},
			Good, "Started: waiting for SQS's first response",
		},
		"an idle queue before its first long poll has returned": {
			idle, func(s *Status) { s.Queues[0].Receives = map[string]int64{"full": 0} }, Good, "Keeping up: the queue is empty",
		},
		"an answer of SQS that is overdue": {
			behind, func(s *Status) {
				s.Queues[0].Problem = &SQSProblem{What: "ReceiveMessage on orders has had no answer", Since: noon.Add(-2100 * time.Millisecond), Fault: Silent}
			},
			Bad, "SQS does not respond: ReceiveMessage on orders has had no answer, since 11:59:57 UTC (2.1 s)",
		},
		"a breath behind": {
			behind, func(s *Status) { s.Queues[0].Lag, s.Queues[0].Depth.Visible = Seconds(1234*time.Millisecond), 20 },
			Good, "Keeping up: 28/s delivered, lag 1.2 s",
		},
		"the end of a backlog": {
			behind, func(s *Status) {
				s.Queues[0].Lag, s.Queues[0].Depth.Visible, s.Queues[0].DeliveredPerSecond = Seconds(14*time.Second), 0, 12
			},
			Notice, "Catching up: nothing left in the queue, 15 messages in hand, lag 14 s, limited by the target's rate of 28/s",
		},
		"the end of a backlog, for which the target is waited for": {
			behind, func(s *Status) {
				s.Queues[0].Lag, s.Queues[0].Depth.Visible, s.Targets[0].Pace.Rate = Seconds(14*time.Second), 0, 100
				s.Targets[0].Pace.Told = &Told{ResetAt: noon.Add(4 * time.Second), WaitingSince: &noon}
			},
			Notice, "Catching up: nothing left in the queue, 15 messages in hand, lag 14 s, limited by what the target says it takes",
		},
		"long deliveries": {
			behind, func(s *Status) {
				q := &s.Queues[0]
				q.Lag, q.Depth.Visible, q.InHand = Seconds(14*time.Second), 0, map[string]int{"delivering": 6}
			},
			Good, "Delivering the last 6 messages, none are waiting, lag 14 s",
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
				failedWith("throttled", "4xx", "429", 90, 10)(s)
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
		"at the concurrency that was found": {
			behind, func(s *Status) {
				t := &s.Targets[0]
				t.Pace.Rate, t.Pace.Concurrency, t.MeanDelivery = 100, 8, 0.29
				t.Pace.Adaptive = &Adaptive{Most: 50}
			}, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the 8 that target partner was found to take at once, at 290 ms per delivery; empty in about 6 min 50 s",
		},
		"at the most that may be found": {
			behind, func(s *Status) {
				t := &s.Targets[0]
				t.Pace.Rate, t.Pace.Concurrency, t.MeanDelivery = 100, 8, 0.29
				t.Pace.Adaptive = &Adaptive{Most: 8}
			}, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the 8 that target partner was found to take at once, at 290 ms per delivery, the most that is allowed; empty in about 6 min 50 s",
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
		"a quota that is used up, and the last messages are in hand": {
			idle, func(s *Status) {
				free := noon.Add(time.Minute)
				s.Queues[0].InHand = map[string]int{"waiting": 2, "held": 1}
				s.Targets[0].Pace.Quotas = []Quota{{Limit: 50, Window: Seconds(time.Hour), Used: 50, FreeAt: &free}}
			}, Notice,
			"Waiting: nothing left in the queue, 3 messages in hand; the quota of 50 an hour is used up until 12:01:00 UTC (in 1 min)",
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
		"at what SQS takes": {
			behind, func(s *Status) {
				s.Targets[0].StartedPerSecond, s.Targets[0].Pace, s.Queues[0].ReceiveTime = 58, Pace{Rate: 100, Concurrency: 40}, Seconds(400*time.Millisecond)
			}, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by SQS: a receive takes 400 ms; empty in about 6 min 50 s",
		},
		"at slots that hang": {
			behind, func(s *Status) {
				t := &s.Targets[0]
				t.StartedPerSecond, t.Delivering, t.Hanging, t.LongestDelivery = 3, 10, 8, Seconds(25*time.Second)
			}, Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's concurrency of 10, of which 8 are taken by deliveries " +
				"that have run for up to 25 s; empty in about 6 min 50 s",
		},
		"little waits, and it grows": {
			behind, func(s *Status) {
				s.Queues[0].Lag, s.Queues[0].Depth.Visible, s.Queues[0].DrainState = Seconds(3*time.Second), 80, DrainGrowing
			}, Notice,
			"Behind: 80 messages, lag 3 s, limited by the target's rate of 28/s; the queue is growing",
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
		"the last message has been delivered just now": {
			idle, func(s *Status) {
				s.Queues[0].Lag, s.Queues[0].DrainState, s.Queues[0].InHand = Seconds(36*time.Second), DrainUnknown, map[string]int{"deleting": 4}
			}, Good,
			"Caught up: no messages waiting; the oldest of the last minute was 36 s old",
		},
		"an answer of SQS that is late": {
			idle, func(s *Status) { s.Queues[0].Lag, s.Queues[0].DrainState = Unknown, DrainUnknown }, Notice,
			"Waiting for SQS to respond: until then, nothing is known of the queue",
		},
		"a depth that is not known": {
			behind, func(s *Status) { s.Queues[0].Depth, s.Queues[0].DrainState = nil, DrainUnknown }, Notice,
			"Behind, lag 2 min 10 s, limited by the target's rate of 28/s",
		},
		"the target fails": {
			behind, failedWith("unavailable", "5xx", "503", 93, 7), Bad,
			"Target partner fails: 93% of deliveries in the last minute failed, 503 (93 of 93)",
		},
		"the target fails in several ways": {behind, func(s *Status) {
			s.Targets[0].DeliveriesLastMinute = []Deliveries{
				{Outcome: "delivered", Status: "2xx", Answer: "204", Count: 100},
				{Outcome: "failed", Status: "5xx", Answer: "500", Count: 2000},
				{Outcome: "unavailable", Status: "5xx", Answer: "503", Count: 300},
				{Outcome: "failed", Status: "timeout", Answer: "timed out", Count: 20},
				{Outcome: "unavailable", Status: "reset", Answer: "connection reset", Count: 1},
			}
		}, Bad, "Target partner fails: 96% of deliveries in the last minute failed, 500 (2,000 of 2,321), 503 (300 of 2,321), timed out (20 of 2,321)"},
		"the target throttles": {
			behind, failedWith("throttled", "4xx", "429", 60, 40), Bad,
			"Target partner throttles: 60% of deliveries in the last minute failed, 429 (60 of 60)",
		},
		"the target is gone": {
			behind, failedWith("connection", "refused", "connection refused", 5, 0), Bad,
			"Target partner cannot be reached: 100% of deliveries in the last minute failed, connection refused (5 of 5)",
		},
		"the target rejects": {
			idle, failedWith("rejected", "4xx", "422", 5, 0), Bad,
			"Target partner rejects messages: 100% of deliveries in the last minute failed, 422 (5 of 5)",
		},
		"the target rejects messages to the dead-letter queue": {
			idle, func(s *Status) {
				failedWith("rejected", "4xx", "422", 5, 0)(s)
				n, since := 5, s.At.Add(-time.Minute)
				s.Queues[0].DeadLetters = &DeadLetters{Messages: &n, Since: &since}
			}, Bad,
			"Target partner rejects messages: 100% of deliveries in the last minute failed, 422 (5 of 5); 5 in the dead-letter queue since 11:59 UTC",
		},
		"the target fails now and then": {
			behind, failedWith("failed", "timeout", "timed out", 10, 90), Notice,
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's rate of 28/s; empty in about 6 min 50 s; " +
				"10% of deliveries in the last minute failed, timed out (10 of 10)",
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
		"a failure among many is no news": {idle, failedWith("failed", "5xx", "500", 1, 99), Good, "Keeping up: the queue is empty"},
		"the target hangs": {behind, func(s *Status) {
			t := &s.Targets[0]
			t.StartedPerSecond, t.Delivering, t.DeliveriesLastMinute, t.LongestDelivery = 0, 10, nil, Seconds(time.Minute)
		}, Bad, "Target partner is hanging: no delivery has ended in the last minute, 10 in progress"},
		"the target hangs from the start": {behind, func(s *Status) {
			t := &s.Targets[0]
			t.StartedPerSecond, t.Delivering, t.Hanging, t.DeliveriesLastMinute, t.LongestDelivery = 0, 5, 5, nil, Seconds(time.Minute)
			t.Gate = Gate{State: "starting", Limit: 5}
		}, Bad, "Target partner is hanging: no delivery has ended in the last minute, 5 in progress"},
		"long deliveries that began just now": {behind, func(s *Status) {
			t := &s.Targets[0]
			t.StartedPerSecond, t.Delivering, t.DeliveriesLastMinute, t.LongestDelivery = 0, 10, nil, Seconds(20*time.Second)
			s.Queues[0].DrainState = DrainUnknown
		}, Notice, "Behind: 1,240 messages, lag 2 min 10 s"},
		"the first deliveries are long": {behind, func(s *Status) {
			t := &s.Targets[0]
			t.StartedPerSecond, t.Delivering, t.Hanging, t.DeliveriesLastMinute, t.LongestDelivery = 0, 5, 5, nil, Seconds(20*time.Second)
			t.Gate = Gate{State: "starting", Limit: 5}
			s.Queues[0].DrainState = DrainUnknown
		}, Notice, "Behind: 1,240 messages, lag 2 min 10 s, limited to 5 deliveries until the first one succeeds; they have run for up to 20 s"},
		"paused": {behind, func(s *Status) { s.Targets[0].Pace.Rate = 0 }, Notice, "Paused: the rate of target partner is 0; 1,240 messages in the queue"},
		"paused, and the target was down before": {behind, func(s *Status) {
			s.Targets[0].Pace.Rate, s.Targets[0].Gate = 0, Gate{State: "closed", Held: 3}
		}, Notice, "Paused: the rate of target partner is 0; 1,240 messages in the queue"},
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
		"what was delivered cannot be deleted, and nothing waits": {
			behind, func(s *Status) {
				q := &s.Queues[0]
				q.Blocked, q.InHand["deleting"], q.Depth.Visible = "unsettled", 110, 0
			}, Bad,
			"Blocked: nothing more is received until SQS has confirmed the delete or release of 110 messages",
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
			s.Targets[0].Gate = Gate{State: "closed", Since: noon.Add(-time.Minute), Held: 47, Reason: "connection", Answers: "connection refused (7 of 7)", NextProbe: &next}
		}, Bad, "Target partner is down since 11:59:00 UTC (1 min): connection refused (7 of 7); nothing is lost, 47 messages held, next probe in 1.5 s"},
		"a closed gate, by a path that is not there":          {behind, closedBy("404 (23 of 24), timeout (1 of 24)"), Bad, "Target partner is down since 11:59:00 UTC (1 min): 404 (23 of 24), timeout (1 of 24); nothing is lost, 24 messages held, next probe now; is the path of its URL right?"},
		"a closed gate, by a method that is not taken":        {behind, closedBy("405 (24 of 24)"), Bad, "Target partner is down since 11:59:00 UTC (1 min): 405 (24 of 24); nothing is lost, 24 messages held, next probe now; is the path of its URL right?"},
		"a closed gate, by a redirect":                        {behind, closedBy("308 (24 of 24)"), Bad, "Target partner is down since 11:59:00 UTC (1 min): 308 (24 of 24); nothing is lost, 24 messages held, next probe now; redirects are not followed: has its URL changed?"},
		"a closed gate, by credentials that are refused":      {behind, closedBy("401 (24 of 24)"), Bad, "Target partner is down since 11:59:00 UTC (1 min): 401 (24 of 24); nothing is lost, 24 messages held, next probe now; are its credentials right?"},
		"a closed gate, by a proxy that asks for credentials": {behind, closedBy("407 (24 of 24)"), Bad, "Target partner is down since 11:59:00 UTC (1 min): 407 (24 of 24); nothing is lost, 24 messages held, next probe now; are the proxy's credentials right?"},
		"a closed gate, mostly by an outage":                  {behind, closedBy("503 (23 of 24), 404 (1 of 24)"), Bad, "Target partner is down since 11:59:00 UTC (1 min): 503 (23 of 24), 404 (1 of 24); nothing is lost, 24 messages held, next probe now"},
		"rejects everything": {behind, func(s *Status) {
			since := noon.Add(-time.Minute)
			s.Targets[0].Gate = Gate{State: "open", Held: 40, Answers: "422 (9 of 9)", RejectsSince: &since, Rejected: 5}
		}, Bad, "Target partner rejects everything since 11:59:00 UTC (1 min): 422 (9 of 9); 5 released, 40 held"},
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
