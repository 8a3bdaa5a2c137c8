//go:build browser

package browsertest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestThePlayableHoldPlaysFromAFile(t *testing.T) {
	page, err := filepath.Abs("../../../docs/hold.html")
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, start(t, behind()), 390, 900, "dark")
	b.do(t, chromedp.Navigate("file://"+page))
	b.waitFor(t, "document.querySelectorAll('#messages li').length === 20")
	b.evaluate(t, "['poison', 'crowd', 'play'].forEach((id) => document.getElementById(id).click()), ''")
	b.waitFor(t, "Number(document.getElementById('second').textContent) >= 2") // it plays
	b.evaluate(t, "document.getElementById('play').click(), ''")
	b.mustBeAccessible(t, "the playable hold")
	b.evaluate(t, "(() => { const at = document.getElementById('at'); at.value = at.max; at.dispatchEvent(new Event('input')); return '' })()")
	if says := b.evaluate(t, "document.getElementById('says').textContent"); !strings.Contains(says, "19 delivered, 0 held, 1 in the dead-letter queue") {
		t.Errorf("at the end: %s", says)
	}
	b.waitFor(t, "document.documentElement.scrollWidth <= window.innerWidth")
	b.picture(t, "hold-dark-390")
	b.mustNotComplain(t)
}
