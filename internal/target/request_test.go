package target

import (
	"bufio"
	"bytes"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// sent returns the request as a server reads it.
func sent(t *testing.T, m *message.Message, change ...func(*Options)) *http.Request {
	t.Helper()
	var got *http.Request
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(ok200)}
		expect(t, over(t, w, change...).Deliver(t.Context(), "orders", m), message.Delivered, 200, "2xx")
		requests, _, _ := w.seen()
		got = requests[0]
	})
	return got
}

func str(v string) message.Attribute {
	return message.Attribute{DataType: "String", StringValue: v}
}

func TestTheHeadersOfAMessage(t *testing.T) {
	m := msg(`{"a":1}`)
	m.ReceiveCount = 12
	m.GroupID, m.DeduplicationID = "tenant-7", "d-1"
	m.Attributes = map[string]message.Attribute{
		"tenant":     str("7 % of it"),
		"city":       str("Zürich 100%"),
		"padded":     str(" x "),
		"count":      {DataType: "Number.int", StringValue: "42"},
		"blob":       {DataType: "Binary", BinaryValue: []byte{1}},
		"a.b_c":      str("dots"),
		"order_id":   str("17"),
		"order.id":   str("18"), // both are X-Poller-Attr-order-id
		"Same":       str("1"),
		"same":       str("2"),
		"Omitted":    str("forged"),
		"line\nfeed": str("x"),
	}
	got := sent(t, m).Header
	want := http.Header{
		"Content-Type":              {"application/json"},
		"Content-Length":            {"7"},
		"User-Agent":                {"poller/test"},
		"Idempotency-Key":           {m.ID},
		"X-Poller-Message-Id":       {m.ID},
		"X-Poller-Queue":            {"orders"},
		"X-Poller-Receive-Count":    {"12"},
		"X-Poller-Sent-At":          {"2026-11-02T09:30:00.123Z"},
		"X-Poller-Group-Id":         {"tenant-7"},
		"X-Poller-Deduplication-Id": {"d-1"},
		"X-Poller-Attr-Tenant":      {"7 % of it"},
		"X-Poller-Attr-City":        {"Z%C3%BCrich 100%25"},
		"X-Poller-Attr-Padded":      {"%20x%20"},
		"X-Poller-Attr-Count":       {"42"},
		"X-Poller-Attr-A-B-C":       {"dots"},
		"X-Poller-Renamed":          {"a-b-c=a.b_c"},
		"X-Poller-Attr-Omitted":     {"blob, line%0Afeed, Omitted, order.id, order_id, Same, same"},
		"X-Poller-Encoded":          {"X-Poller-Attr-Omitted, X-Poller-Attr-city, X-Poller-Attr-padded"},
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !slices.Equal(got[key], want[key]) {
			t.Errorf("%s: %q, want %q", key, got[key], want[key])
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: %q is not wanted", key, got[key])
		}
	}
}

func TestHeadersThatAMessageHasNotAreNotSent(t *testing.T) {
	m := msg("x")
	m.SentAt = time.Time{}
	got := sent(t, m).Header
	for _, key := range []string{
		"X-Poller-Sent-At", "X-Poller-Group-Id", "X-Poller-Deduplication-Id", "X-Poller-Encoded",
		"X-Poller-Attr-Omitted", "X-Poller-Renamed", "Traceparent", "Tracestate", "X-Amzn-Trace-Id",
	} {
		if _, ok := got[key]; ok {
			t.Errorf("%s is sent", key)
		}
	}
}

func TestAnIDThatIsNoASCIIIsEncodedInBothItsHeaders(t *testing.T) {
	m := msg("x")
	m.ID = "é"
	got := sent(t, m).Header
	if got.Get("X-Poller-Message-Id") != "%C3%A9" || got.Get("Idempotency-Key") != "%C3%A9" ||
		got.Get("X-Poller-Encoded") != "Idempotency-Key, X-Poller-Message-Id" {
		t.Errorf("%v", got)
	}
}

func TestAttributesThatDoNotFitAreOmitted(t *testing.T) {
	m := msg("x")
	m.Attributes = map[string]message.Attribute{
		"a":    str(strings.Repeat("a", 3000)),
		"b":    str(strings.Repeat("\n", 1100)), // 3,300 when it is encoded
		"c":    str(strings.Repeat("c", 3000)),
		"d":    str("small"),
		"huge": str(strings.Repeat("h", 1<<20)),
	}
	got := sent(t, m).Header
	if got.Get("X-Poller-Attr-Omitted") != "b, huge" || len(got.Get("X-Poller-Attr-A")) != 3000 || got.Get("X-Poller-Attr-D") != "small" {
		t.Errorf("omitted are %q", got.Get("X-Poller-Attr-Omitted"))
	}
}

func TestTheListOfWhatIsOmittedIsBounded(t *testing.T) {
	m := msg("x")
	m.Attributes = make(map[string]message.Attribute)
	for c := 'a'; c <= 'z'; c++ {
		m.Attributes[strings.Repeat(string(c), 256)] = message.Attribute{DataType: "Binary"}
	}
	got := sent(t, m).Header.Get("X-Poller-Attr-Omitted")
	if len(got) > maxOmitted+5 || !strings.HasSuffix(got, ", ...") || strings.Count(got, ",") < 10 {
		t.Errorf("%d bytes, %d names", len(got), strings.Count(got, ","))
	}
}

func TestConfiguredHeadersAreSent(t *testing.T) {
	got := sent(t, msg("x"), func(o *Options) {
		o.URL = "http://u%40x:p%3Aw@orders.test/hook"
		o.Headers = []Header{
			{Name: "x-tenant", Value: "a, b"},
			{Name: "X-Tenant", Value: "c"},
			{Name: "Host", Value: "inside.test:8080"},
			{Name: "Content-Type", Value: "application/x-orders"},
			{Name: "user-agent", Value: "mine"},
		}
	})
	if !slices.Equal(got.Header["X-Tenant"], []string{"a, b", "c"}) || got.Host != "inside.test:8080" ||
		got.Header.Get("Content-Type") != "application/x-orders" || got.Header.Get("User-Agent") != "mine" {
		t.Errorf("%s: %v", got.Host, got.Header)
	}
	if user, password, ok := got.BasicAuth(); !ok || user != "u@x" || password != "p:w" {
		t.Errorf("user info came as %q", got.Header.Get("Authorization"))
	}
}

func TestTheContentType(t *testing.T) {
	for _, test := range []struct {
		body, attribute, other, want string
	}{
		{`{"a":1}`, "", "", "application/json"},
		{" [1, 2]\r\n", "", "", "application/json"},
		{`"text"`, "", "", "application/json"},
		{"-1.5e3", "", "", "application/json"},
		{"0", "", "", "application/json"},
		{"true", "", "", "application/json"},
		{"null", "", "", "application/json"},
		{`{"a":1`, "", "", "text/plain; charset=utf-8"},
		{`{"a":}`, "", "", "text/plain; charset=utf-8"},
		{`{"a":"` + "\xff" + `"}`, "", "", "text/plain; charset=utf-8"},
		{"01", "", "", "text/plain; charset=utf-8"},
		{"2026-11-02", "", "", "text/plain; charset=utf-8"},
		{"truer", "", "", "text/plain; charset=utf-8"},
		{"", "", "", "text/plain; charset=utf-8"},
		{" \n", "", "", "text/plain; charset=utf-8"},
		{"hello", "", "", "text/plain; charset=utf-8"},
		{`{"a":1}`, "application/xml", "", "application/xml"},
		{`{"a":1}`, "", "text/csv; charset=latin1", "text/csv; charset=latin1"},
		{`{"a":1}`, "text/html", "text/csv", "text/html"},
		{`{"a":1}`, "no media type", "text/csv", "text/csv"},
		{`{"a":1}`, "nothing", "", "application/json"},
		{`{"a":1}`, "text/html\r\nX-Evil: 1", "", "application/json"},
		{`{"a":1}`, "text/" + strings.Repeat("x", 300), "", "application/json"},
	} {
		m := msg(test.body)
		m.Attributes = make(map[string]message.Attribute)
		if test.attribute != "" {
			m.Attributes["Content-Type"] = str(test.attribute)
		}
		if test.other != "" {
			m.Attributes["contentType"] = str(test.other)
		}
		if got := contentType(m); got[0] != test.want {
			t.Errorf("%q with %q, %q is %s, want %s", test.body, test.attribute, test.other, got[0], test.want)
		}
	}
	m := msg("x")
	m.Attributes = map[string]message.Attribute{"Content-Type": {DataType: "Binary", BinaryValue: []byte("text/html")}}
	if got := contentType(m); got[0] != textType[0] {
		t.Errorf("a binary attribute is taken for a type: %s", got[0])
	}
	m.Attributes = map[string]message.Attribute{"content-type": str("text/html"), "contentType": str("text/csv")}
	if got := contentType(m); got[0] != "text/html" {
		t.Errorf("in small letters it is %s", got[0])
	}
}

func TestLookingForJSONCopiesNothing(t *testing.T) {
	body := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	// In the best of ten runs: goroutines of other tests allocate too.
	fewest := math.Inf(1)
	for range 10 {
		fewest = min(fewest, testing.AllocsPerRun(1, func() { isJSON(body) }))
	}
	if fewest > 1 {
		t.Errorf("%v allocations", fewest)
	}
}

// FuzzHeaders sends anything a message may contain and reads it as a server does: there
// must be no headers but those that poller wrote, each with one value, and every value must
// decode to the original.
func FuzzHeaders(f *testing.F) {
	f.Add("tenant", "7", "Other", "x\r\nX-Evil: 1", "group", "{}")
	f.Add("a: b\r\nX-Evil", "é", "Omitted", " ", "\x00\x7f%41", "")
	f.Add("Encoded", "%", "encoded", "%25", " g ", "GET / HTTP/1.1\r\n\r\n")
	f.Add("traceparent", "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", "tracestate", "a=b", "g", "1")
	f.Add("a_b", "7", "a.b", "8", "g", "x")
	f.Add("a_b", "Root=1-\n", "a.c", "8", "g", "x")
	f.Add("Content-Type", "text/html; a=\"\r\n\"", "contentType", "a/b", "g", "[")
	h, err := New(Options{URL: "http://orders.test/", Timeout: time.Second, Slots: 1})
	if err != nil {
		f.Fatal(err)
	}
	defer h.Close()
	f.Fuzz(func(t *testing.T, name, value, name2, value2, group, body string) {
		m := msg(body)
		m.GroupID, m.DeduplicationID, m.TraceHeader, m.ID = group, value2, value, name2
		m.Attributes = map[string]message.Attribute{name: str(value), name2: {DataType: "Number", StringValue: value2}}
		var out bytes.Buffer
		if err := h.request(t.Context(), source{queue: group}, parcel{first: m}).request.Write(&out); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(&out)
		got, err := http.ReadRequest(in)
		if err != nil {
			t.Fatal(err)
		}
		var read bytes.Buffer
		if _, err := read.ReadFrom(got.Body); err != nil || read.String() != body || in.Buffered() != 0 {
			t.Fatalf("the body came as %q, %v, with %d bytes behind it", read.String(), err, in.Buffered())
		}
		encoded := strings.Split(got.Header.Get("X-Poller-Encoded"), ", ")
		back := func(key string) string {
			value := got.Header.Get(key)
			if !slices.ContainsFunc(encoded, func(e string) bool { return strings.EqualFold(e, key) }) {
				return value
			}
			plain, err := url.PathUnescape(value)
			if err != nil {
				t.Fatalf("%s cannot be decoded: %q", key, value)
			}
			return plain
		}
		known := []string{
			"User-Agent", "Content-Length", "Content-Type", "Idempotency-Key", "Traceparent", "Tracestate",
			"X-Poller-Attr-Omitted", "X-Poller-Deduplication-Id", "X-Poller-Encoded", "X-Poller-Group-Id",
			"X-Poller-Message-Id", "X-Poller-Queue", "X-Poller-Receive-Count", "X-Poller-Sent-At",
			"X-Poller-Renamed", "X-Amzn-Trace-Id",
		}
		for key, values := range got.Header {
			if len(values) != 1 {
				t.Errorf("%s has %d values", key, len(values))
			}
			own := slices.Contains(known, key)
			attribute, isAttribute := strings.CutPrefix(key, "X-Poller-Attr-")
			switch {
			case own:
			case isAttribute && strings.EqualFold(attribute, sentName(name)) && !strings.EqualFold(sentName(name), sentName(name2)):
				if back(key) != value {
					t.Errorf("%s is %q, want %q", key, back(key), value)
				}
			case isAttribute && strings.EqualFold(attribute, sentName(name2)):
				if back(key) != value2 && name != name2 {
					t.Errorf("%s is %q, want %q", key, back(key), value2)
				}
			default:
				t.Errorf("%s: %q has been added", key, values)
			}
		}
		if back("X-Poller-Group-Id") != group || back("X-Poller-Queue") != group || back("X-Poller-Deduplication-Id") != value2 {
			t.Errorf("the group %q, the id %q came as %v", group, value2, got.Header)
		}
	})
}
