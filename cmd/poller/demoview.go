package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"poller/internal/config"
)

const (
	// viewEvery is how often the live line is drawn, and the end looked for.
	viewEvery = 200 * time.Millisecond
	// sparseEvery is how often it is said how things stand where there is no terminal.
	sparseEvery = 5 * time.Second
)

// demoView is what somebody sees of the demo.
type demoView struct {
	stage *stage
	out   io.Writer // whole lines, above the live line
	said  time.Time
	past  []sample // of the last second, oldest first
	// The most that there was on the queue, and the longest that a request was on its way.
	mostQueued int
	mostLag    float64 // seconds
}

// sample is how many were delivered at one moment.
type sample struct {
	at        time.Time
	delivered int64
}

func newDemoView(p *process, s *stage) *demoView {
	v := &demoView{stage: s, out: p.stdout, said: time.Now()}
	if s.line != nil {
		v.out = s.line.above(p.stdout)
	}
	return v
}

func (v *demoView) say(text string) { _, _ = fmt.Fprintln(v.out, text) }

// introduce says what runs where, and what to try.
func (v *demoView) introduce(c *demoCmd) {
	s := v.stage
	pace := "delivers as fast as it can"
	if c.Rate.Limited {
		pace = fmt.Sprintf("delivers %.4g a second", c.Rate.PerSecond)
	}
	end := "It runs until Ctrl-C."
	if c.Duration > 0 {
		end = fmt.Sprintf("The traffic ends after %s, or at Ctrl-C.", c.Duration)
	}
	var b strings.Builder
	b.WriteString("poller's demo: all of it runs in this process, on this machine.\n\n")
	for _, part := range []struct{ name, does, url string }{
		{"traffic", fmt.Sprintf("%d requests at once, every %s", s.play.burst, config.Duration(s.play.every)), ""},
		{"front door", "answers 202 and queues the request", s.doorURL},
		{"queue", "SQS, embedded, in memory", s.sqsURL},
		{"poller", pace + "; status page:", s.statusURL},
		{"downstream", fmt.Sprintf("answers 429 over %d/s or %d at once", s.play.sink.Rate.N, s.play.sink.Capacity), s.sinkURL + "/stats"},
	} {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-10s  %-37s %s", part.name, part.does, part.url), " ") + "\n")
	}
	fmt.Fprintf(&b, `
Send a request of your own, from another terminal:
  curl -H 'Content-Type: application/json' -d '{"hello":"world"}' %s

%s Then the backlog is delivered, and the summary comes.
`, s.doorURL, end)
	v.say(b.String())
}

// update draws the live line, or says now and then how things stand.
func (v *demoView) update() {
	text := v.look()
	switch {
	case v.stage.line != nil:
		v.stage.line.set(text)
	case time.Since(v.said) >= sparseEvery:
		v.said = time.Now()
		v.say(text)
	}
}

// look says how things stand, and remembers the most.
func (v *demoView) look() string {
	s := v.stage
	visible, _, delayed, _ := s.sqs.Depth(demoQueue)
	queued := visible + delayed
	inHand, deleting := 0, 0
	for _, q := range s.daemon.Status(time.Now()).Queues {
		for state, n := range q.InHand {
			inHand += n
			if state == "deleting" {
				deleting += n
			}
		}
	}
	sunk := s.sink.Stats()
	delivered, lag := sunk.Accepted-sunk.Duplicates, sunk.Lag
	if queued+inHand == deleting {
		lag = 0 // nothing waits
	}
	v.mostQueued, v.mostLag = max(v.mostQueued, queued), max(v.mostLag, lag)
	return fmt.Sprintf("%s  queue %3d  in hand %2d  delivered %4d  %4.1f/s  lag %4.1f s  refused %d",
		clock(time.Since(s.opened)), queued, inHand, delivered, v.perSecond(delivered), lag, sunk.RefusedInAll())
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
		v.stage.line.set(v.look())
		v.stage.line.end()
	}
}

// summarize says what came of the requests, and what that means.
func (v *demoView) summarize(r demoResult) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nAfter %s:\n\n", r.took.Round(time.Second/10))
	for _, row := range []struct {
		what string
		n    int64
	}{
		{"accepted by the front door", r.accepted},
		{"delivered to the downstream", r.delivered},
		{"refused by the downstream", r.refused},
		{"left in the dead-letter queue", r.dead},
	} {
		fmt.Fprintf(&b, "  %-29s %6d\n", row.what, row.n)
	}
	fmt.Fprintf(&b, "\n%s", v.meaning(r))
	v.say(b.String())
}

func (v *demoView) meaning(r demoResult) string {
	switch {
	case r.undelivered() > 0:
		return fmt.Sprintf("%s not delivered: a request that is refused %d times goes to the dead-letter queue, though nothing\n"+
			"is wrong with it. A pace over the downstream's limit does that; the demo's own, 28/s, is under it.",
			were(r.undelivered()), v.stage.play.receives)
	case r.refused > 0:
		return fmt.Sprintf("Every request was delivered, but not at the first try: the downstream was overrun, and refused %d times.", r.refused)
	default:
		return fmt.Sprintf("Every request was delivered, and the downstream was never overrun: it saw at most %d in any second.\n"+
			"The bursts waited on the queue instead: up to %d requests, up to %.1f s.", r.perSecondMax, v.mostQueued, v.mostLag)
	}
}

func were(n int64) string {
	if n == 1 {
		return "1 request was"
	}
	return fmt.Sprintf("%d requests were", n)
}
