package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
)

const (
	// viewEvery is how often the live line is drawn, and the end looked for.
	viewEvery = 200 * time.Millisecond
	// sparseEvery is how often the state is printed if there is no terminal.
	sparseEvery = 5 * time.Second
)

// demoView is what somebody sees of the demo.
type demoView struct {
	stage *stage
	out   io.Writer // whole lines, above the live line
	said  time.Time
	past  []sample // of the last second, oldest first
	story story
	// outage reports whether one has begun.
	outage bool
	// The most that was held, and was on the queue, and the longest that a request
	// was on its way.
	mostHeld, mostQueued int
	mostLag              time.Duration
}

// sample is how many were delivered at one moment.
type sample struct {
	at        time.Time
	delivered int64
}

func newDemoView(p *process, s *stage) *demoView {
	v := &demoView{stage: s, out: p.stdout, said: time.Now(), story: story{play: s.play}}
	if s.line != nil {
		v.out = s.line.above(p.stdout)
	}
	return v
}

func (v *demoView) say(text string) { _, _ = fmt.Fprintln(v.out, text) }

// tell says what happens now.
func (v *demoView) tell(what string) { v.say(told(time.Since(v.stage.opened), what)) }

// told is a line of the story, broken where a terminal ends.
func told(since time.Duration, what string) string {
	at := clock(since) + "  "
	return at + strings.Join(wrapped(what, usualColumns-len(at)), "\n"+strings.Repeat(" ", len(at)))
}

// paragraph is a text of lines that a terminal shows whole.
func paragraph(text string) string { return strings.Join(wrapped(text, usualColumns), "\n") }

// introduce says what runs where, and what to try.
func (v *demoView) introduce(c *demoCmd) { v.say(v.stage.introduction(c)) }

func (s *stage) introduction(c *demoCmd) string {
	pace := "as fast as it can"
	if c.Rate.Limited {
		pace = c.Rate.String() + ", bursts of 1"
	}
	end := "It runs until Ctrl-C."
	if c.Duration > 0 {
		end = fmt.Sprintf("The traffic ends after %s, or at Ctrl-C.", c.Duration)
	}
	var b strings.Builder
	b.WriteString("poller's demo: everything runs in this process, on this machine.\n\n")
	for _, part := range []struct{ name, does, url string }{
		{"traffic", fmt.Sprintf("bursts of %d requests, every %s", s.play.burst, config.Duration(s.play.every)), ""},
		{"front door", "answers 202, queues the request", s.doorURL},
		{"queue", "an embedded SQS server, in memory", s.sqsURL},
		{"poller", pace + "; status page:", s.statusURL},
		{"downstream", s.play.limits(), s.sinkURL + "/stats"},
		{"push", "no queue; its own downstream:", s.pushSinkURL + "/stats"},
	} {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-10s  %-34s %s", part.name, part.does, part.url), " ") + "\n")
	}
	fmt.Fprintf(&b, `
Send a request of your own, from another terminal:
  curl -H 'Content-Type: application/json' \
       -d '{"hello":"world"}' %s

%s
`, s.doorURL, paragraph(fmt.Sprintf("%sThe push sends the same requests straight to its downstream, and gives up after %d retries. "+
		"%s Then the backlog is delivered, and the summary follows.", s.play.plan(), len(s.play.retries), end)))
	return b.String()
}

// update draws the live line, or says now and then how things stand, and tells what
// has changed.
func (v *demoView) update() {
	text, now := v.look()
	switch {
	case v.stage.line != nil:
		v.stage.line.set(text)
	case time.Since(v.said) >= sparseEvery:
		v.said = time.Now()
		v.say(text)
	}
	for _, what := range v.story.tell(now) {
		v.tell(what)
	}
}

// look says how things stand, and remembers the most.
func (v *demoView) look() (text string, now moment) {
	s := v.stage
	visible, _, delayed, _ := s.sqs.Depth(demoQueue)
	queued := visible + delayed
	at := time.Now()
	status := s.daemon.Status(at)
	inHand, deleting := 0, 0
	for _, q := range status.Queues {
		for state, n := range q.InHand {
			inHand += n
			if state == "deleting" {
				deleting += n
			}
		}
	}
	sunk := s.sink.Stats()
	delivered := sunk.Accepted - sunk.Duplicates
	lag := time.Duration(sunk.Lag * float64(time.Second))
	if queued+inHand == deleting {
		lag = 0 // nothing waits
	}
	v.mostLag = max(v.mostLag, lag)
	now = moment{gate: gateOpen, pushDead: s.push.Stats().Dead}
	now.sink, now.left = s.sink.Condition()
	for _, t := range status.Targets {
		now.gate, now.held = t.Gate.State, t.Gate.Held
		if a := t.Pace.Adaptive; a != nil {
			now.limit = t.Pace.Concurrency
			if len(a.Changes) > 0 {
				now.why, now.refused = a.Changes[0].Words, a.Changes[0].Refused()
			}
		}
		for _, q := range t.Pace.Quotas {
			if q.FreeAt != nil {
				now.usedUp = max(now.usedUp, q.FreeAt.Sub(at))
			}
		}
		if told := t.Pace.Told; told != nil && told.Remaining == 0 {
			now.usedUp = max(now.usedUp, told.ResetAt.Sub(at))
		}
	}
	now.waiting = queued + inHand - deleting
	v.outage = v.outage || now.sink == demo.Away
	if lag > 0 { // what waits may be older than what was delivered last
		for _, q := range status.Queues {
			lag = max(lag, time.Duration(q.Lag))
		}
	}
	v.mostQueued, v.mostHeld = max(v.mostQueued, queued), max(v.mostHeld, now.held)
	return liveText(time.Since(s.opened), queued, inHand, v.perSecond(delivered), lag, now), now
}

// liveText is the live line; it fits into a terminal of 80 columns.
func liveText(since time.Duration, queued, inHand int, perSecond float64, lag time.Duration, m moment) string {
	return fmt.Sprintf("%s  queue %3d  in hand %2d  delivered %4.1f/s  lag %4.1f s  %s",
		clock(since), queued, inHand, perSecond, lag.Seconds(), m.gateInWords())
}

// gateInWords is the gate, short enough for the live line.
func (m moment) gateInWords() string {
	if m.limit > 0 && m.gate == gateOpen {
		return fmt.Sprintf("at once %2d", m.limit)
	}
	text := "gate " + strings.ReplaceAll(m.gate, "_", "-")
	if m.held > 0 && m.gate != gateHalfOpen { // that would be too long
		text += fmt.Sprintf(", held %d", m.held)
	}
	return text
}

// perSecond is how many were delivered in the last second or so.
func (v *demoView) perSecond(delivered int64) float64 {
	now := time.Now()
	v.past = append(v.past, sample{at: now, delivered: delivered})
	for len(v.past) > 2 && now.Sub(v.past[1].at) >= time.Second {
		v.past = v.past[1:]
	}
	span := now.Sub(v.past[0].at)
	if span < time.Second/2 {
		return 0
	}
	return float64(delivered-v.past[0].delivered) / span.Seconds()
}

// clock shows a time as minutes and seconds.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// end leaves the live line as things stand at the end.
func (v *demoView) end() {
	if v.stage.line != nil {
		text, _ := v.look()
		v.stage.line.set(text)
		v.stage.line.end()
	}
}

// summarize says what came of the requests, and what that means.
func (v *demoView) summarize(r demoResult) { v.say(r.text()) }

// result is what came of the requests in all.
func (v *demoView) result() demoResult {
	s := v.stage
	sunk, pushed := s.sink.Stats(), s.push.Stats()
	return demoResult{
		poller: way{
			accepted: s.door.Accepted(), delivered: sunk.Accepted - sunk.Duplicates, dead: int64(s.deadAtEnd), sink: sunk,
		},
		push:     way{accepted: pushed.Accepted, delivered: pushed.Delivered, dead: pushed.Dead, sink: s.pushSink.Stats()},
		took:     time.Since(s.opened),
		receives: s.play.receives, retries: len(s.play.retries), outage: v.outage, adaptive: s.play.adaptive,
		mostHeld: v.mostHeld, mostQueued: v.mostQueued, mostLag: v.mostLag,
	}
}
