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
		"settled-delivered": "81,012",
	} {
		if got := b.evaluate(t, `document.querySelector('[data-is="`+is+`"]').innerText`); got != want {
			t.Errorf("%s: the page says %q, not %q", is, got, want)
		}
	}
	if verdict := b.evaluate(t, "document.getElementById('verdict').innerText"); !strings.Contains(verdict, "Behind: 1,240 messages, lag 2 min 10 s") {
		t.Errorf("the verdict says %q", verdict)
	}
	if page := b.evaluate(t, "document.body.textContent"); !strings.Contains(page, "<b>not bold</b>") {
		t.Error("the detail of a failure is not shown as it is")
	}

	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 5") // two samples are there
	b.picture(t, "behind-light-wide")
	if points := b.evaluate(t, "alone([1, null, 2, 3, null, 0, null]).join()"); points != "0,5" {
		t.Errorf("drawn as points, not as lines: %s", points)
	}

	d.change(func(s *admin.Status) { *s = empty() })
	b.waitFor(t, text+".includes('Keeping up: the queue is empty')")
	b.waitFor(t, `document.title.startsWith('Keeping up')`)
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 5") // and the charts stay
	b.picture(t, "empty-light-wide")
	b.mustNotComplain(t)
}

func TestThePageSaysWhenTheDaemonIsGoneAndWhenItIsBack(t *testing.T) {
	d := start(t, behind())
	b := open(t, d, 1200, 900, "dark")
	b.waitFor(t, banner+".hidden")
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 5")
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
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 5")
	b.picture(t, "draining-dark-narrow")
	b.waitFor(t, "document.documentElement.scrollWidth <= window.innerWidth") // nothing sticks out
	b.do(t, b.scheme("light"))
	b.waitFor(t, "document.querySelectorAll('figure canvas').length === 5")
	b.picture(t, "draining-light-narrow")
	b.mustNotComplain(t)
}
