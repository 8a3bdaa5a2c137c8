//go:build browser

package browsertest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sqs-poller/poller/internal/admin"
)

// outage is a target that is down: the gate is closed, and messages are held.
func outage() admin.Status {
	s := behind()
	now := time.Now()
	probe := now.Add(8 * time.Second)
	s.Targets[0].Gate = admin.Gate{State: "closed", Since: now.Add(-9 * time.Minute), Held: 25, Reason: "unavailable", NextProbe: &probe, Limit: 1}
	s.Queues[0].InHand = map[string]int{"held": 25, "waiting": 1}
	s.Queues[0].StartedPerSecond, s.Queues[0].DeliveredPerSecond = 0.2, 0
	s.Queues[0].Drain, s.Queues[0].DrainState = admin.Number(math.Inf(1)), admin.DrainAway
	s.Targets[0].StartedPerSecond, s.Targets[0].Delivering = 0.2, 0
	for i := range 25 {
		s.Held = append(s.Held, admin.Held{
			Queue: "orders", MessageID: fmt.Sprintf("0b9c9a2e-6d0f-4a1c-9d34-0f6f6f5f%04d", i), ReceiveCount: 1, Tries: 2 + i%5,
			Since: now.Add(-9 * time.Minute), Outcome: "unavailable", Status: 503, Reason: "5xx", WaitsFor: "target", NextProbe: &probe,
		})
	}
	s.Causes = []admin.Cause{
		{Queue: "orders", Target: "partner", Outcome: "unavailable", Status: 503, Reason: "5xx", Count: 87, First: now.Add(-9 * time.Minute), Last: now.Add(-2 * time.Second), Example: s.Held[0].MessageID},
		{Queue: "orders", Target: "partner", Outcome: "connection", Reason: "refused", Words: "connection refused", Count: 12, First: now.Add(-9 * time.Minute), Last: now.Add(-8 * time.Minute), Example: s.Held[1].MessageID},
	}
	s.Events = []admin.Event{{At: now.Add(-83 * time.Minute), Kind: "start", Text: "poller v0.3.0 started"}}
	return s
}

// paused is a target that an operator has paused, with a pinned rate.
func paused() admin.Status {
	s := behind()
	now := time.Now()
	until := now.Add(18 * time.Minute)
	s.Targets[0].Pace.Rate = 0
	s.Targets[0].Overrides = []admin.Override{
		{Kind: "pause", Since: now.Add(-12 * time.Minute), Until: &until, By: "ada", From: "10.0.0.7"},
		{Kind: "rate", Value: "10/s", Since: now.Add(-14 * time.Minute), By: "ada", From: "10.0.0.7"},
	}
	s.Events = []admin.Event{
		{At: now.Add(-12 * time.Minute), Kind: "override", Target: "partner", Text: "paused until 12:18:00 UTC by ada from 10.0.0.7"},
		{At: now.Add(-30 * time.Minute), Kind: "reload", Text: "settings read again: targets.partner: rate 28/s, burst 1, concurrency 10, was rate 20/s, burst 1, concurrency 10"},
	}
	return s
}

// many is a daemon of many queues, of which some have trouble.
func many(n int) admin.Status {
	s := behind()
	one, target := s.Queues[0], s.Targets[0]
	s.Queues, s.Targets = nil, nil
	for i := range n {
		q, t := one, target
		q.Name, q.Target, t.Name = fmt.Sprintf("orders-%03d", i), fmt.Sprintf("partner-%03d", i), fmt.Sprintf("partner-%03d", i)
		switch {
		case i == 7:
			q.Problem = &admin.SQSProblem{What: "ReceiveMessage on " + q.Name + ": AccessDenied: allow sqs:ReceiveMessage", Fault: "refused", Since: time.Now().Add(-12 * time.Minute)}
		case i%10 != 0:
			q = empty().Queues[0]
			q.Name, q.Target = fmt.Sprintf("orders-%03d", i), t.Name
		}
		s.Queues, s.Targets = append(s.Queues, q), append(s.Targets, t)
	}
	return s
}

// limited is a target whose quota is used up, and that has said so itself; some messages
// are in the dead-letter queue.
func limited() admin.Status {
	s := behind()
	now := time.Now()
	free, dead := now.Add(43*time.Minute), 7
	s.Targets[0].Pace.Quotas = []admin.Quota{
		{Limit: 1000, Window: admin.Seconds(time.Minute), Used: 12},
		{Limit: 50_000, Window: admin.Seconds(24 * time.Hour), Used: 50_000, FreeAt: &free},
	}
	s.Targets[0].Pace.Told = &admin.Told{ResetAt: free, WaitingSince: &now}
	s.Targets[0].StartedPerSecond, s.Targets[0].Delivering, s.Queues[0].StartedPerSecond, s.Queues[0].DeliveredPerSecond = 0, 0, 0, 0
	s.Queues[0].DeadLetters = &admin.DeadLetters{Name: "orders-dlq", Messages: &dead, AsOf: &now, Since: &now, Sent: 3}
	s.Queues[0].InHand, s.Queues[0].DrainState = map[string]int{}, admin.DrainAway
	return s
}

// adaptive is a target whose concurrency is found, which gets batches.
func adaptive() admin.Status {
	s := behind()
	now := time.Now()
	s.Targets[0].Pace.Rate, s.Targets[0].Pace.Concurrency = admin.Number(math.Inf(1)), 18
	s.Targets[0].Pace.Adaptive = &admin.Adaptive{Most: 50, Changes: []admin.Found{
		{At: now.Add(-2 * time.Second), Was: 21, Concurrency: 18, Reason: "refused", Words: "429 beside 20 others"},
		{At: now.Add(-20 * time.Second), Was: 20, Concurrency: 21, Reason: "raised", Words: "no 429 for 10 s with 20 in use"},
	}}
	s.Queues[0].Batches = &admin.Batches{Most: 10, Last: []int{10, 10, 7, 1, 10}, Dissolved: 3}
	s.Queues[0].Waits.Quota = admin.Wait{Count: 4, Sum: admin.Seconds(time.Minute)}
	s.Targets[0].Deliveries = append(s.Targets[0].Deliveries, admin.Deliveries{
		Outcome: "connection", Status: "refused", Answer: "connection refused, or no route to it at all", Count: 12,
	})
	return s
}

// fleet is one of three replicas, of which one is missing.
func fleet() admin.Status {
	s := behind()
	members := []admin.Member{
		{ID: "a1b2c3", Host: "poller-5d8f-x7k2m", Version: "v0.3.0", Up: admin.Seconds(83 * time.Minute), State: "live", StartedPerSecond: 9.4, Slots: 4, Share: 9.33, InHand: 11, Gate: "open", Lag: admin.Seconds(130 * time.Second), Self: true},
		{ID: "d4e5f6", Host: "poller-5d8f-q9w8e", Version: "v0.3.0", Up: admin.Seconds(81 * time.Minute), State: "live", StartedPerSecond: 9.1, Slots: 3, Share: 9.33, InHand: 9, Held: 2, Gate: "wary", Lag: admin.Seconds(128 * time.Second)},
		{ID: "0a9b8c", Host: "poller-5d8f-r5t6y", Version: "v0.3.0", Up: admin.Seconds(20 * time.Minute), State: "using_up", Slots: 3, Share: 9.33, Gate: "open", Seen: admin.Seconds(41 * time.Second), Missing: true},
	}
	s.Targets[0].Fleet = &admin.Fleet{
		Name: "shop.orders", ID: "a1b2c3", State: "live", Since: time.Now().Add(-80 * time.Minute), Share: 9.33, Slots: 4,
		Replicas: 3, Rate: 28, Concurrency: 10, Members: members,
	}
	return s
}

// finding is one of axe-core's.
type finding struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// mustBeAccessible fails on what axe-core finds on the page as it is.
func (b *browser) mustBeAccessible(t *testing.T, state string) {
	t.Helper()
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	script := string(axe) + `;window.found = ''; axe.run().then((r) => { window.found = JSON.stringify(r.violations) }); true`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err != nil {
		t.Fatal(err)
	}
	b.waitFor(t, "window.found !== ''")
	var found []finding
	if err := json.Unmarshal([]byte(b.evaluate(t, "window.found")), &found); err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		for _, n := range f.Nodes {
			t.Errorf("%s: %s (%s): %s\n%s", state, f.ID, f.Help, n.HTML, n.Summary)
		}
	}
}

// nothingScrollsSideways is true if each table fits.
const nothingScrollsSideways = "[...document.querySelectorAll('.scroll')].every((s) => s.scrollWidth <= s.clientWidth)"

func TestEachStateIsAccessibleWideAndNarrowLightAndDark(t *testing.T) {
	for name, state := range map[string]struct {
		status admin.Status
		says   string
	}{
		"behind":  {behind(), "Behind: 1,240 messages"},
		"empty":   {empty(), "Keeping up: the queue is empty"},
		"outage":  {outage(), "Target partner is down"},
		"paused":  {paused(), "Paused by ada since "},
		"several": {many(12), "orders-007: SQS refuses"},
		"limited": {limited(), "50,000 of 50,000 a day"},
		"fleet":   {fleet(), "poller-5d8f-r5t6y"},
		"adapts":  {adaptive(), "3 dissolved"},
	} {
		t.Run(name, func(t *testing.T) {
			d := start(t, state.status)
			b := open(t, d, 1200, 900, "light")
			for _, look := range []struct {
				width  int64
				scheme string
			}{{1200, "light"}, {1200, "dark"}, {390, "light"}, {390, "dark"}} {
				b.do(t, chromedp.EmulateViewport(look.width, 900), b.scheme(look.scheme), chromedp.Navigate("http://"+d.address+"/"))
				b.waitFor(t, text+".includes('"+state.says+"')")
				if name != "several" {
					b.waitFor(t, "document.querySelectorAll('figure canvas').length === document.querySelectorAll('figure').length")
				}
				b.evaluate(t, "document.querySelectorAll('details').forEach((d) => { d.open = true }), ''")
				b.picture(t, fmt.Sprintf("%s-%s-%d", name, look.scheme, look.width))
				b.mustBeAccessible(t, fmt.Sprint(name, look))
				b.waitFor(t, "document.documentElement.scrollWidth <= window.innerWidth") // nothing sticks out
				b.waitFor(t, nothingScrollsSideways)
				b.mustNotComplain(t)
			}
		})
	}
}

func TestTheButtonsNeedTheTokenAndWorkByKeyboardAlone(t *testing.T) {
	d := start(t, behind())
	b := open(t, d, 1200, 900, "light")
	press := func(keys string) { t.Helper(); b.do(t, chromedp.KeyEvent(keys)) }
	focus := func() string {
		t.Helper()
		return b.evaluate(t, "document.activeElement.id || document.activeElement.textContent")
	}
	for range 60 { // as a person would, by Tab from the top
		press(kb.Tab)
		if focus() == "Pause, resume, pace" {
			break
		}
	}
	press(kb.Enter)
	b.waitFor(t, "document.getElementById('controls').open")
	press(kb.Tab)
	press("not-the-token" + kb.Enter)
	b.waitFor(t, "document.getElementById('operated').textContent === 'This is not the token.'")
	b.waitFor(t, "document.getElementById('operate').hidden")
	press(token + kb.Enter)
	b.waitFor(t, "!document.getElementById('operate').hidden && document.activeElement.id === 'target'")
	press(kb.Tab + "30m" + kb.Tab + "ada" + kb.Tab + kb.Tab + kb.Tab)
	if focus() != "Pause" {
		t.Errorf("the focus is on %q", focus())
	}
	press(kb.Enter)
	b.waitFor(t, "document.getElementById('operated').textContent === 'target partner: paused until resume.'")
	b.waitFor(t, text+".includes('Paused by ada since ')")
	b.waitFor(t, "document.getElementById('controls').open && document.activeElement.textContent === 'Pause'") // after a refresh, too
	d.mu.Lock()
	asked := d.asked
	d.mu.Unlock()
	if len(asked) != 1 || asked[0].Action != "pause" || asked[0].For != "30m" || asked[0].By != "ada" {
		t.Errorf("asked for %+v", asked)
	}
	if kept := b.evaluate(t, "JSON.stringify([localStorage.length, sessionStorage.length, document.cookie, document.getElementById('token').value])"); kept != `[0,0,"",""]` {
		t.Errorf("the page has kept %s", kept)
	}
	b.mustBeAccessible(t, "with the buttons")
	b.picture(t, "buttons-light-1200")
	b.mustNotComplain(t)
}

func TestThreeHundredQueuesAreRowsTheWorstFirst(t *testing.T) {
	b := open(t, start(t, many(300)), 1200, 900, "light")
	b.waitFor(t, "document.querySelectorAll('.overview tbody tr').length === 300")
	if first := b.evaluate(t, "document.querySelector('.overview tbody tr').innerText"); !strings.Contains(first, "orders-007") || !strings.Contains(first, "SQS refuses") {
		t.Errorf("the first row is %q", first)
	}
	b.picture(t, "300-light-1200")
	b.mustBeAccessible(t, "300")
	b.do(t, chromedp.EmulateViewport(390, 900), b.scheme("dark"))
	b.waitFor(t, "document.documentElement.scrollWidth <= window.innerWidth")
	b.waitFor(t, nothingScrollsSideways)
	b.picture(t, "300-dark-390")
	b.mustBeAccessible(t, "300 in the dark on a phone")
	b.do(t, chromedp.EmulateViewport(1200, 900), b.scheme("light"))
	b.do(t, chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // the table, its first link
	b.waitFor(t, "location.search === '?queue=orders-007' && document.querySelectorAll('main > section[aria-labelledby^=queue]').length === 1")
	b.waitFor(t, text+".includes('← all 300 queues') && "+text+".includes('partner-007') && !"+text+".includes('partner-008')")
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 5")
	b.picture(t, "one-of-300-light-1200")
	b.mustBeAccessible(t, "one of 300")
	b.mustNotComplain(t)
}

func TestEachStateIsThereWithoutJavaScript(t *testing.T) {
	for says, status := range map[string]admin.Status{"connection refused": outage(), "Paused by ada": paused(), "orders-011": many(12)} {
		d := start(t, status)
		b := open(t, d, 1200, 900, "light")
		b.do(t, withoutScripts(), chromedp.Navigate("http://"+d.address+"/"))
		b.waitFor(t, "document.body.textContent.includes('"+says+"')")
	}
}

func TestTheChartsStayWhenAProblemComesAndGoes(t *testing.T) {
	d := start(t, behind())
	b := open(t, d, 1200, 900, "light")
	whole := func() {
		t.Helper()
		b.waitFor(t, "document.querySelectorAll('figure canvas').length === 5")
		for selector, want := range map[string]string{".charts": "1", ".tables": "2", "[data-queue=orders]": "5"} {
			if got := b.evaluate(t, "String(document.querySelectorAll('"+selector+"').length)"); got != want {
				t.Errorf("%s is there %s times, not %s", selector, got, want)
			}
		}
	}
	whole()
	d.change(func(s *admin.Status) {
		now := time.Now()
		d.notReady = []admin.Problem{{What: "one thing", Since: now.Add(-time.Hour)}, {What: "and another", Since: now}}
		s.Queues[0].Problem = &admin.SQSProblem{What: "a hiccup of SQS", Fault: "network", Since: now}
	})
	b.waitFor(t, "!!document.querySelector('.problems') && !!document.querySelector('.problem')")
	whole()
	d.change(func(s *admin.Status) { d.notReady, s.Queues[0].Problem = nil, nil })
	b.waitFor(t, "!document.querySelector('.problems') && !document.querySelector('.problem')")
	whole()
	b.mustNotComplain(t)
}
