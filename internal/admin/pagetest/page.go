// Package pagetest reads the status page as a person does and finds sentences and figures on
// it that contradict each other. It is for tests: the admin package's own, with any status,
// and the simulation's, with those of a running daemon.
package pagetest

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Page is what a page of one queue says.
type Page struct {
	Verdict string
	// Figures are by their name, such as lag or visible.
	Figures map[string]string
}

var (
	verdictOn = regexp.MustCompile(`<h1 id="verdict"[^>]*>.*?</span> <span>(.*?)</span></h1>`)
	figureOn  = regexp.MustCompile(`data-is="([a-z-]+)">([^<]*)<`)
	cardOn    = regexp.MustCompile(`aria-labelledby="queue-\d+"`)

	lagIn   = regexp.MustCompile(`, lag ((?:at least )?[0-9.]+ (?:ms|s|min|h|d)(?: \d+ (?:s|min|h))?)`)
	countIn = regexp.MustCompile(`(?:^|: )(Behind|Blocked|Paused[^:;]*?)[:;] ([0-9,]+) messages?`)
	emptyIn = regexp.MustCompile(`; empty in (about [^;]+|more than a year)`)
	deadIn  = regexp.MustCompile(`; ([0-9,]+) in the dead-letter queue`)
)

// Read reads a page. It reports false if it does not show exactly one queue.
func Read(page string) (Page, bool) {
	p := Page{Figures: make(map[string]string)}
	verdict := verdictOn.FindStringSubmatch(page)
	if verdict == nil || len(cardOn.FindAllString(page, -1)) != 1 {
		return p, false
	}
	p.Verdict = html.UnescapeString(verdict[1])
	for _, f := range figureOn.FindAllStringSubmatch(page, -1) {
		p.Figures[f[1]] = html.UnescapeString(f[2])
	}
	return p, true
}

// Contradictions returns what on the page contradicts something else on it, in words.
func (p Page) Contradictions() []string {
	var found []string
	for _, r := range rules {
		if r.says(p) && !r.shows(p) {
			found = append(found, fmt.Sprintf("%q, but %s: %v", p.Verdict, r.butNot, p.Figures))
		}
	}
	return found
}

// rule is one pair of things that must agree: if the page says the one, it must show the
// other.
type rule struct {
	says   func(Page) bool
	butNot string
	shows  func(Page) bool
}

var rules = []rule{
	{says("the queue is empty"), "something is in it", all(is("visible", "0", "unknown"), is("lag", "0 s"), is("drain", "empty"), nothingUndelivered)},
	{says("waiting for SQS's first response"), "SQS has answered", all(is("visible", "unknown"), is("lag", "unknown"), is("drain", "unknown"))},
	{says("Keeping up"), "it is not", all(young, not(is("gate", "closed")), not(is("drain", "paused", "stopped")))},
	{says("Behind"), "nothing is behind", not(is("visible", "0"))},
	{says("Waiting: nothing left"), "messages are visible", is("visible", "0")},
	{says("SQS returns none"), "nothing waits", not(is("visible", "0"))},
	{anyOf(says("Catching up"), says("Delivering the last")), "there is no backlog", all(is("visible", "0"), old)},
	{says("Paused"), "it goes on", not(isTime("drain"))},
	{says("is down"), "the gate is open", all(is("gate", "closed"), not(isTime("drain")))},
	{is("gate", "closed"), "the verdict does not say so", anyOf(says("is down"), says("rejects everything"), says("SQS "), says("Draining"),
		says("Stuck"), says("Not ready"), says("Starting"), says("Paused"), says("Blocked"))},
	{is("lag", "unknown"), "the verdict knows the lag", not(func(p Page) bool { return lagIn.MatchString(p.Verdict) })},
	{isTime("drain"), "it is empty, paused or away", not(anyOf(says("the queue is empty"), says("Paused"), says("is down"), says("SQS does not respond: ReceiveMessage"),
		says("SQS does not respond: DeleteMessageBatch")))},
	{is("drain", "empty"), "messages are visible", is("visible", "0", "unknown")},
	{is("drain", "growing"), "it keeps up with nothing waiting", not(all(says("Keeping up"), says("no messages waiting")))},
	{matches(lagIn), "the lag is another", same(lagIn, 1, "lag")},
	{matches(countIn), "the depth is another", same(countIn, 2, "visible")},
	{matches(emptyIn), "the time to empty is another", same(emptyIn, 1, "drain")},
	{matches(deadIn), "the dead letters are others", same(deadIn, 1, "dead-letters")},
}

// says reports whether a sentence is in the verdict.
func says(part string) func(Page) bool {
	return func(p Page) bool { return strings.Contains(p.Verdict, part) }
}

// is reports whether a figure has one of these values; a missing one has none.
func is(figure string, values ...string) func(Page) bool {
	return func(p Page) bool { return slices.Contains(values, p.Figures[figure]) }
}

func isTime(figure string) func(Page) bool {
	return func(p Page) bool {
		return strings.HasPrefix(p.Figures[figure], "about ") || strings.HasPrefix(p.Figures[figure], "more than")
	}
}

func not(f func(Page) bool) func(Page) bool { return func(p Page) bool { return !f(p) } }

func all(of ...func(Page) bool) func(Page) bool {
	return func(p Page) bool {
		for _, f := range of {
			if !f(p) {
				return false
			}
		}
		return true
	}
}

func anyOf(of ...func(Page) bool) func(Page) bool {
	return func(p Page) bool {
		for _, f := range of {
			if f(p) {
				return true
			}
		}
		return false
	}
}

func matches(in *regexp.Regexp) func(Page) bool {
	return func(p Page) bool { return in.MatchString(p.Verdict) }
}

// same reports whether the verdict and the figure say the same.
func same(in *regexp.Regexp, group int, figure string) func(Page) bool {
	return func(p Page) bool { return in.FindStringSubmatch(p.Verdict)[group] == p.Figures[figure] }
}

// nothingUndelivered reports whether nothing in hand is still to be delivered.
func nothingUndelivered(p Page) bool {
	for _, state := range []string{"waiting", "delivering", "held"} {
		if n, _ := strconv.Atoi(strings.ReplaceAll(p.Figures["in-hand-"+state], ",", "")); n != 0 {
			return false
		}
	}
	return true
}

// young reports whether the lag is below 10 s or unknown, and old whether it is not.
func young(p Page) bool { return lagOf(p) <= 10 }

func old(p Page) bool { return lagOf(p) >= 10 }

// lagOf returns the lag in seconds as far as it matters here.
func lagOf(p Page) float64 {
	lag := strings.TrimPrefix(p.Figures["lag"], "at least ")
	number, unit, _ := strings.Cut(lag, " ")
	seconds, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || unit == "ms":
		return 0
	case unit == "s":
		return seconds
	default:
		return 60
	}
}
