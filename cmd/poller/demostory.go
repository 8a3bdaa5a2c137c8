package main

import (
	"fmt"
	"math"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

// The gate's states, as the daemon's status has them.
const (
	gateOpen     = "open"
	gateHalfOpen = "half_open"
	gateClosed   = "closed"
)

// moment is how things stand in the demo.
type moment struct {
	sink     demo.Condition
	left     time.Duration // how long that lasts yet
	gate     string
	held     int
	pushDead int64
	// usedUp is how much longer nothing starts, because a quota or what the target says of
	// its limits is used up; 0 if something may.
	usedUp  time.Duration
	waiting int // in the queue and in hand
	// limit is how many deliveries run at most, if that is found, and why is the reason for
	// its last change, in words. refused says that it was a refusal.
	limit   int
	why     string
	refused bool
}

// story says in a line each what happens, when it does.
type story struct {
	play    play
	last    moment
	opening bool // the gate was closed, and is not open again
	limited bool // a quota is used up, and that was told
	found   int  // the limit that was told last; 0 before the first
}

// tell returns the lines about what has changed.
func (s *story) tell(m moment) (lines []string) {
	if m.sink != s.last.sink {
		switch m.sink {
		case demo.Away:
			lines = append(lines, fmt.Sprintf("The downstream is down%s: %s.", forAbout(m.left), s.play.outageInWords()))
		case demo.Recovering:
			lines = append(lines, fmt.Sprintf("The downstream is back, but overloaded%s: it accepts %d requests at a time and answers 429 to others.",
				forAbout(m.left), s.play.sink.Recovery.Capacity))
			if m.pushDead > 0 {
				lines = append(lines, fmt.Sprintf("The push could not wait: %d requests have used up their retries so far.", m.pushDead))
			}
		case demo.Well:
			lines = append(lines, "The downstream is healthy again.")
		}
	}
	if m.gate != s.last.gate {
		switch {
		case m.gate == gateClosed:
			s.opening = true
			lines = append(lines, fmt.Sprintf("The gate is closed: %s held, the others wait in the queue, and none are lost.", messagesAre(m.held)))
		case !s.opening:
		case m.gate == gateHalfOpen:
			lines = append(lines, "A probe was delivered: the gate is half-open. One delivery at a time, one more with each success.")
		default:
			s.opening = false
			lines = append(lines, "The gate is open: full pace again.")
		}
	}
	lines = append(lines, s.tellQuota(m)...)
	lines = append(lines, s.tellFound(m)...)
	s.last = m
	return lines
}

// shortWait is a wait that is too short to tell of.
const shortWait = 2 * time.Second

// tellQuota tells when messages wait because a quota is used up, and when they go on.
func (s *story) tellQuota(m moment) []string {
	switch {
	case !s.limited && m.usedUp >= shortWait && m.waiting > 0:
		s.limited = true
		why := "The quota is used up"
		if s.play.sink.Saying != "" {
			why = "The downstream says that its quota is used up"
		}
		wait := "1 message waits"
		if m.waiting > 1 {
			wait = fmt.Sprintf("%d messages wait", m.waiting)
		}
		return []string{fmt.Sprintf("%s%s: %s, and nothing is refused meanwhile.", why, forAbout(m.usedUp), wait)}
	case s.limited && m.usedUp == 0:
		s.limited = false
		return []string{"The quota allows deliveries again."}
	}
	return nil
}

// tellFound tells what the downstream takes, when a refusal has shown it.
func (s *story) tellFound(m moment) []string {
	if m.limit == 0 || m.limit == s.found || !m.refused {
		return nil
	}
	again := ""
	if s.found > 0 {
		again = " now"
	}
	s.found = m.limit
	return []string{fmt.Sprintf("Found: the downstream takes %d at a time%s (%s).", m.limit, again, m.why)}
}

func messagesAre(n int) string {
	if n == 1 {
		return "1 message is"
	}
	return fmt.Sprintf("%d messages are", n)
}

// forAbout is " for 6 s"; empty if that is not known, or next to nothing.
func forAbout(d time.Duration) string {
	if seconds := math.Round(d.Seconds()); seconds >= 1 {
		return fmt.Sprintf(" for %.0f s", seconds)
	}
	return ""
}
