package admin

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// calling returns a page that shows everything, with text wherever text comes from outside.
func calling(text string) *port {
	p := &port{status: behind()}
	next := noon.Add(time.Minute)
	q, target := &p.status.Queues[0], &p.status.Targets[0]
	q.Name, q.Target, target.Name, target.Place = text, text, text, "https://"+text
	q.Problem = &SQSProblem{What: "a hiccup: " + text, Since: time.Now(), Fault: "network"}
	q.DeadLetters = &DeadLetters{Name: text}
	q.InHand, q.Settled, q.Receives = map[string]int{text: 1}, map[string]int64{text: 1}, map[string]int64{text: 1}
	target.Gate = Gate{State: text, NextProbe: &next}
	target.Pace.Quotas = []Quota{{Limit: 10, Window: Seconds(time.Minute), Used: 10, FreeAt: &next}}
	target.Pace.Told = &Told{ResetAt: next, WaitingSince: &noon}
	target.Pace.Adaptive = &Adaptive{Most: 50, Trial: true, Changes: []Found{{At: noon, Was: 9, Concurrency: 8, Reason: text, Words: text}}}
	target.Deliveries = []Deliveries{{Outcome: text, Status: text, Count: 1}}
	p.status.Failures = []Failure{
		{At: noon, Queue: text, MessageID: text, ReceiveCount: 1, Outcome: text, Reason: text, Detail: text},
		{At: noon, Queue: text, Reason: text, Detail: text},
	}
	until := noon.Add(time.Hour)
	target.Overrides = []Override{{Kind: "rate", Value: text, Since: noon, Until: &until, By: text, From: text}, {Kind: "pause", Since: noon, By: text}}
	p.status.Causes = []Cause{{Queue: text, Target: text, Outcome: text, Reason: text, Words: text, Count: 2, First: noon, Last: noon, Example: text}}
	p.status.Held = []Held{{Queue: text, MessageID: text, ReceiveCount: 1, Tries: 2, Since: noon, Outcome: text, Reason: text, Next: &next}}
	p.status.Events = []Event{{At: noon, Kind: "override", Target: text, Text: text}}
	second := *q
	second.Name = text + "-2"
	p.status.Queues = append(p.status.Queues, second)
	p.healthy = []Problem{{"stuck: " + text, noon}, {"stuck too: " + text, noon}}
	p.ready = []Problem{{"not ready: " + text, noon}}
	return p
}

func TestNothingFromOutsideAddsMarkup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that the pages show the same time
		for _, one := range []bool{false, true} {
			sameMarkup(t, one)
		}
	})
}

// sameMarkup compares the page of all queues, or of one, with that of hostile names.
func sameMarkup(t *testing.T, one bool) {
	t.Helper()
	page := func(name string) parts {
		path := "/"
		if one {
			path += "?queue=" + url.QueryEscape(name)
		}
		return parsed(t, calling(name).ask(t, "GET", path).Body.String())
	}
	plain := page("orders")
	for _, hostile := range []string{
		"<script>alert(1)</script>", `"><script>alert(1)</script>`, `'><img src=x onerror='alert(1)'>`,
		`" onmouseover="alert(1)`, "' onmouseover='alert(1)", "x onmouseover=alert(1)",
		"</title><script>alert(1)</script>", "</main></body></html>", "<!-- ", "<![CDATA[", "<", "&", "&lt;b&gt;", "&quot; x=&quot;",
	} {
		is := page(hostile)
		if !slices.Equal(is.markup, plain.markup) {
			t.Errorf("%s: the page has other markup:\n%s", hostile, strings.Join(is.markup, "\n"))
		}
		if len(is.text) != len(plain.text) {
			t.Errorf("%s: the page has %d texts, not %d", hostile, len(is.text), len(plain.text))
			continue
		}
		for i, text := range plain.text { // and it is shown verbatim
			want := strings.ReplaceAll(text, "orders", hostile)
			if strings.HasPrefix(text, "?queue=") {
				want = strings.ReplaceAll(text, "orders", url.QueryEscape(hostile))
			}
			if is.text[i] != want {
				t.Errorf("the page shows %q, want %q", is.text[i], want)
			}
		}
	}
}

// parts are a parsed page: its tags with attribute names, and its text with attribute
// values.
type parts struct{ markup, text []string }

func parsed(t *testing.T, page string) parts {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var p parts
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return p
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			tag := "<" + token.Name.Local
			for _, a := range token.Attr {
				tag += " " + a.Name.Local
				p.text = append(p.text, a.Value)
			}
			p.markup = append(p.markup, tag+">")
		case xml.EndElement:
			p.markup = append(p.markup, "</"+token.Name.Local+">")
		case xml.CharData:
			p.text = append(p.text, string(token))
		default: // a comment, say
			p.markup = append(p.markup, "<!>")
		}
	}
}

func TestAPageThatCannotBeMadeIsNotHalfShown(t *testing.T) {
	p := &port{}
	w := httptest.NewRecorder()
	broken := h.Main(h.P(g.Text("half of it")), g.NodeFunc(func(io.Writer) error { return errors.New("no more") }))
	p.server(t).answerHTML(w, httptest.NewRequest("GET", "/", nil), broken)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "half of it") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if !strings.Contains(p.log.String(), "no more") {
		t.Errorf("the log does not say why: %q", p.log.String())
	}
}
