package admin

import (
	"fmt"
	"time"
)

// Level is the severity of a verdict.
type Level string

// The levels, from best to worst.
const (
	// Good means that there is nothing to do.
	Good Level = "good"
	// Notice means that the worker is behind, or idle on purpose: look when you can.
	Notice Level = "notice"
	// Bad means that somebody has to act.
	Bad Level = "bad"
)

func (l Level) rank() int { return map[Level]int{Good: 0, Notice: 1, Bad: 2}[l] }

// Verdict is the state of a queue or of the daemon in one sentence.
type Verdict struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

func good(format string, args ...any) Verdict { return Verdict{Good, fmt.Sprintf(format, args...)} }

func notice(format string, args ...any) Verdict { return Verdict{Notice, fmt.Sprintf(format, args...)} }

func bad(format string, args ...any) Verdict { return Verdict{Bad, fmt.Sprintf(format, args...)} }

// Thresholds. A queue is behind if its oldest message is older than behindAfter, or if
// its messages will take longer than that.
const (
	behindAfter = 10 * time.Second
	// A failing SQS call that recovers within this time is not mentioned.
	troubleAfter = 10 * time.Second
	// The share of failed deliveries in the last minute from which the target is failing.
	failingShare = 0.5
	// The share from which failures are mentioned.
	troubledShare = 0.05
	// The share of the pace in use from which the pace is the limit.
	usedUp = 0.9
)

// assess fills in the verdicts and the fields they are based on.
func (s *Status) assess(now time.Time) {
	targets := make(map[string]Target, len(s.Targets))
	for _, t := range s.Targets {
		targets[t.Name] = t
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		q.Verdict = facts{now: now, draining: s.Draining, q: q, t: targets[q.Target]}.verdict()
	}
	s.Verdict = s.whole(now)
}

// whole returns the daemon's verdict: its own problems first, else its worst queue's.
func (s *Status) whole(now time.Time) Verdict {
	inHand := 0
	for _, q := range s.Queues {
		inHand += sum(q.InHand)
	}
	switch {
	case !s.Healthy:
		return bad("Stuck: %s", s.Unhealthy[0].sentence(now))
	case s.Draining:
		return notice("Draining: nothing more is received, %s still in hand", messages(inHand))
	case len(s.Queues) == 0:
		return notice("No queue is open yet%s", s.why(now))
	}
	worst := s.Queues[0]
	for _, q := range s.Queues[1:] {
		if q.Verdict.Level.rank() > worst.Verdict.Level.rank() {
			worst = q
		}
	}
	v := worst.Verdict
	if !s.Ready && v.Level != Bad {
		v = bad("Not ready%s", s.why(now))
		if now.Sub(s.NotReady[0].Since) < troubleAfter {
			v = notice("Starting%s", s.why(now))
		}
	} else if len(s.Queues) > 1 && v.Level != Good {
		v.Text = worst.Name + ": " + v.Text
	}
	return v
}

func (s *Status) why(now time.Time) string {
	if len(s.NotReady) == 0 {
		return ""
	}
	return ": " + s.NotReady[0].sentence(now)
}

// sentence returns the problem and how long it has lasted.
func (p Problem) sentence(now time.Time) string {
	return fmt.Sprintf("%s, since %s (%s)", p.What, clock(p.Since), seconds(now.Sub(p.Since)))
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

func sumOf(counts map[string]int64) int64 {
	n := int64(0)
	for _, c := range counts {
		n += c
	}
	return n
}
