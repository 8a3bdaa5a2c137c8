//go:build browser

package browsertest

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sqs-poller/poller/internal/admin"
)

const (
	text   = "document.body.innerText"
	banner = "document.getElementById('gone')"
)

func TestThePageShowsTheNumbersAndRefreshesItself(t *testing.T) {
	d := start(t, behind())
	b := open(t, d, 1200, 900, "light")

	for is, want := range map[string]string{
		"lag": "2 min 10 s", "visible": "1,240", "delivered": "28/s", "in-hand-waiting": "9",
		"settled-delivered": "81,012", "received": "81,234",
	} {
		if got := b.evaluate(t, `document.querySelector('[data-is="`+is+`"]').innerText`); got != want {
			t.Errorf("%s: the page says %q, not %q", is, got, want)
		}
	}
	if verdict := b.evaluate(t, "document.getElementById('verdict').innerText"); !strings.Contains(verdict, "Behind: 1,240 messages, lag 2 min 10 s") {
		t.Errorf("the verdict says %q", verdict)
	}
	if page := b.evaluate(t, text); !strings.Contains(page, "<b>not bold</b>") {
		t.Error("the detail of a failure is not shown as it is")
	}

	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 2") // two samples are there
	b.picture(t, "behind-light-wide")

	d.change(func(s *admin.Status) { *s = empty() })
	b.waitFor(t, text+".includes('Keeping up: the queue is empty')")
	b.waitFor(t, `document.title.startsWith('Keeping up')`)
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 2") // and the charts stay
	b.picture(t, "empty-light-wide")
	b.mustNotComplain(t)
}

func TestThePageSaysWhenTheDaemonIsGoneAndWhenItIsBack(t *testing.T) {
	d := start(t, behind())
	b := open(t, d, 1200, 900, "dark")
	b.waitFor(t, banner+".hidden")
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 2")
	b.picture(t, "behind-dark-wide")

	d.stop(t)
	b.waitFor(t, "!"+banner+".hidden")
	said := b.evaluate(t, banner+".innerText")
	if !strings.Contains(said, "poller has not answered since ") || !strings.Contains(said, " UTC") {
		t.Errorf("the banner says %q", said)
	}
	if page := b.evaluate(t, text); !strings.Contains(page, "1,240") {
		t.Error("what was known is no longer shown")
	}
	b.picture(t, "gone-dark-wide")

	d.restart(t)
	b.waitFor(t, banner+".hidden && !document.querySelector('main.stale')")
	b.mustNotComplain(t)
}

func TestThePageRefreshesItselfWithoutJavaScript(t *testing.T) {
	d := start(t, behind())
	b := open(t, d, 1200, 900, "light")
	b.do(t, withoutScripts(), chromedp.Navigate("http://"+d.address+"/"))
	b.waitFor(t, text+".includes('Behind: 1,240 messages')")
	b.waitFor(t, "!document.documentElement.classList.contains('drawn')")
	d.change(func(s *admin.Status) { *s = empty() })
	b.waitFor(t, text+".includes('Keeping up: the queue is empty')")
}

func TestThePageFitsAPhone(t *testing.T) {
	d := start(t, behind())
	d.change(func(s *admin.Status) {
		d.notReady = []admin.Problem{{What: "queue orders is draining: the process was told to stop", Since: time.Now().Add(-4 * time.Second)}}
		s.Draining = true
	})
	b := open(t, d, 390, 844, "dark")
	b.waitFor(t, text+".includes('Draining')")
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 2")
	b.picture(t, "draining-dark-narrow")
	b.waitFor(t, "document.documentElement.scrollWidth <= window.innerWidth") // nothing sticks out
	b.do(t, b.scheme("light"))
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 2")
	b.picture(t, "draining-light-narrow")
	b.mustNotComplain(t)
}

func TestThePageShowsSeveralQueuesAndWhatSQSSays(t *testing.T) {
	s := behind()
	second := empty().Queues[0]
	second.Name, second.Depth = "invoices", nil
	second.Problem = &admin.SQSProblem{
		What:  "ReceiveMessage on invoices: AccessDenied: allow sqs:ReceiveMessage",
		Fault: "refused", Since: time.Now().Add(-12 * time.Minute),
	}
	s.Queues = append(s.Queues, second)
	b := open(t, start(t, s), 1200, 900, "light")
	b.waitFor(t, text+".includes('invoices: SQS refuses: ReceiveMessage on invoices: AccessDenied')")
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 4")
	b.picture(t, "refused-light-wide")
	b.mustNotComplain(t)
}

func TestEachCardKeepsItsChartsAndTablesWhenAProblemComesAndGoes(t *testing.T) {
	s := behind()
	second := empty().Queues[0]
	second.Name = "invoices"
	s.Queues = append(s.Queues, second)
	d := start(t, s)
	b := open(t, d, 1200, 900, "light")
	whole := func() {
		t.Helper()
		for selector, want := range map[string]string{
			"main > section": "4", ".charts": "2", ".tables": "2", ".scroll": "2",
			"[aria-labelledby=queue-0] > .charts > [data-queue=\"0\"]": "2", "[aria-labelledby=queue-0] > .tables": "1",
			"[aria-labelledby=queue-1] > .charts > [data-queue=\"1\"]": "2", "[aria-labelledby=queue-1] > .tables": "1",
			"[aria-labelledby=target-0] > .scroll": "1",
		} {
			if got := b.evaluate(t, "String(document.querySelectorAll('"+selector+"').length)"); got != want {
				t.Errorf("%s is there %s times, not %s", selector, got, want)
			}
		}
		b.waitFor(t, "document.querySelectorAll('figure canvas').length === 4")
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
