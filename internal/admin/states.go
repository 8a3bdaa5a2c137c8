package admin

import (
	"slices"
	"time"
)

// facts are what the verdict on a queue is made from.
type facts struct {
	now      time.Time
	draining bool
	q        *Queue
	t        Target
}

// state is one that a queue can be in.
type state struct {
	name string
	is   func(facts) bool
	says func(facts) Verdict
}

// states are in the order in which they are looked for: first what keeps the queue from
// moving, then how far behind it is. The first that a queue is in is its verdict;
// docs/status.md has the same table.
var states = []state{
	{"SQS fails", func(v facts) bool { return v.q.failsNow(v.now) }, func(v facts) Verdict { return v.q.trouble(v.now) }},
	{"draining", func(v facts) bool { return v.draining }, func(v facts) Verdict {
		return notice("Draining: nothing more is received, %s still in hand", messages(sum(v.q.InHand)))
	}},
	{"paused by an operator", func(v facts) bool { return v.t.override("pause") != nil }, func(v facts) Verdict {
		p := v.t.override("pause")
		return notice("Paused%s since %s (%s), %s%s", p.who(), clock(p.Since), seconds(v.now.Sub(p.Since)), p.ends(), v.q.kept())
	}},
	{"fleet waits", func(v facts) bool { return v.t.Fleet.waits() != "" }, func(v facts) Verdict {
		return notice("%s%s", v.t.Fleet.waits(), v.q.backlog())
	}},
	{"paused", func(v facts) bool { return v.t.Pace.Rate == 0 && v.t.Pace.Concurrency > 0 }, func(v facts) Verdict {
		return notice("Paused: the rate of target %s is 0%s", v.t.Name, v.q.left())
	}},
	{"blocked", func(v facts) bool { return v.q.Blocked != "" }, func(v facts) Verdict { return v.q.stopped() }},
	{"rejects everything", func(v facts) bool { return v.t.Gate.RejectsSince != nil && v.t.Gate.Held > 0 }, func(v facts) Verdict {
		g := v.t.Gate
		return bad("Target %s rejects everything since %s (%s)%s; %d released, %d held%s", v.t.Name, clock(*g.RejectsSince),
			seconds(v.now.Sub(*g.RejectsSince)), after(": ", g.Answers), g.Rejected, g.Held, g.retried(v.now))
	}},
	{"down", func(v facts) bool { return v.t.Gate.State == "closed" }, func(v facts) Verdict {
		g := v.t.Gate
		return bad("Target %s is down since %s (%s)%s; nothing is lost, %s held, next probe %s%s", v.t.Name, clock(g.Since),
			seconds(v.now.Sub(g.Since)), after(": ", g.Answers), messages(g.Held), g.next(v.now), g.hint())
	}},
	{"coming back", func(v facts) bool { return v.t.Gate.State == "half_open" && v.t.Gate.Held > 0 }, func(v facts) Verdict {
		return notice("Target %s is coming back: up to %d concurrent deliveries, more with each success; %s held",
			v.t.Name, v.t.Gate.Limit, messages(v.t.Gate.Held))
	}},
	{"told to wait", func(v facts) bool { return v.t.toldToWait(v.now) && v.q.waits() }, func(v facts) Verdict {
		return notice("%s; target %s takes no more until %s (in %s), as it says itself", v.q.waiting(), v.t.Name,
			clockFrom(v.now, v.t.Pace.Told.ResetAt), seconds(v.t.Pace.Told.ResetAt.Sub(v.now)))
	}},
	{"failing", func(v facts) bool { return v.t.failing().share() >= failingShare }, func(v facts) Verdict {
		f := v.t.failing()
		return bad("Target %s %s: %s%s", v.t.Name, f.verb(), f.words(), v.q.DeadLetters.also())
	}},
	{"quota used up", func(v facts) bool { return v.t.usedUp(v.now) != nil && v.q.waits() }, func(v facts) Verdict {
		return notice("%s; %s", v.q.waiting(), v.t.usedUp(v.now).sentence(v.now))
	}},
	{"hanging", func(v facts) bool { return v.t.hangs() }, func(v facts) Verdict {
		return bad("Target %s is hanging: no delivery has ended in the last minute, %d in progress", v.t.Name, v.t.Delivering)
	}},
	{"started", func(v facts) bool {
		return v.q.Depth == nil && v.q.Lag == Unknown && v.q.DrainState == DrainUnknown && sumOf(v.q.Receives) == 0
	}, func(facts) Verdict {
		return good("Started: waiting for SQS's first response")
	}},
	{"waits for SQS", func(v facts) bool {
		return v.q.Lag == Unknown && v.q.DrainState == DrainUnknown && v.q.Depth != nil && v.q.Depth.Visible == 0 && v.q.undelivered() == 0
	}, func(facts) Verdict {
		return notice("Waiting for SQS to respond: until then, nothing is known of the queue")
	}},
	{"behind", func(v facts) bool { return v.q.behind() }, func(v facts) Verdict {
		limit := v.t.limit()
		if limit == "" {
			limit = v.q.limit()
		}
		return notice("Behind%s%s%s%s", v.q.backlog(), v.q.age(), limit, v.q.outlook())
	}},
	{"finishing", func(v facts) bool { return v.q.Lag != Unknown && time.Duration(v.q.Lag) >= behindAfter }, func(v facts) Verdict {
		if v.q.undelivered() == 0 {
			return good("Caught up: no messages waiting; the oldest of the last minute was %s old", v.q.lag())
		}
		if v.q.InHand["waiting"]+v.q.InHand["held"] == 0 { // they may be long deliveries
			return good("Delivering the last %s, none are waiting%s", messages(v.q.undelivered()), v.q.age())
		}
		return notice("Catching up: nothing left in the queue, %s in hand%s%s", messages(v.q.undelivered()), v.q.age(), v.t.limit())
	}},
	{"empty", func(v facts) bool { return v.q.DrainState == DrainEmpty && v.q.undelivered() == 0 }, func(facts) Verdict {
		return good("Keeping up: the queue is empty")
	}},
	{"nothing waits", func(v facts) bool { return v.q.Depth != nil && v.q.Depth.Visible == 0 }, func(v facts) Verdict {
		return good("Keeping up: no messages waiting; %s delivered%s", perSecond(v.q.DeliveredPerSecond), v.q.age())
	}},
	{"keeping up", func(facts) bool { return true }, func(v facts) Verdict {
		return good("Keeping up: %s delivered%s", perSecond(v.q.DeliveredPerSecond), v.q.age())
	}},
}

// verdict returns the verdict on the queue. A queue that moves has more said of it.
func (v facts) verdict() Verdict {
	for _, s := range states {
		if !s.is(v) {
			continue
		}
		says := s.says(v)
		if !slices.Contains([]string{"started", "behind", "finishing", "empty", "nothing waits", "keeping up"}, s.name) {
			return says
		}
		also := ""
		if f := v.t.failing(); f.share() >= troubledShare {
			also = "; " + f.words()
		}
		if also += v.q.DeadLetters.also(); also != "" {
			says = Verdict{Notice, says.Text + also}
		}
		return says
	}
	return Verdict{}
}

// after returns text with a separator before it, or nothing.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// undelivered returns how many messages in hand are not delivered yet.
func (q *Queue) undelivered() int {
	return q.InHand["waiting"] + q.InHand["delivering"] + q.InHand["held"]
}
