package target

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/message"
)

func TestTheTraceHeaderOfXRayIsPassedOn(t *testing.T) {
	const whole, rootOnly = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", "Root=1-5759e988-bd862e3fe1be46a994272793"
	for _, test := range []struct{ system, attribute, want string }{
		{whole, "", whole},
		{rootOnly, "", rootOnly},
		{whole, rootOnly, whole},
		{"", rootOnly, rootOnly},
		{"nothing", rootOnly, rootOnly},
		{rootOnly + "\r\nX: 1", "", ""},
		{rootOnly + strings.Repeat(";a=b", 200), "", ""},
		{"", "", ""},
	} {
		m := msg("x")
		m.TraceHeader = test.system
		if test.attribute != "" {
			m.Attributes = map[string]message.Attribute{"X-Amzn-Trace-Id": str(test.attribute)}
		}
		if got := sent(t, m).Header.Get("X-Amzn-Trace-Id"); got != test.want {
			t.Errorf("%+v came as %q", test, got)
		}
	}
}

func TestTheTraceOfAMessageIsPassedOn(t *testing.T) {
	const (
		parent = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
		own    = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
		xray   = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
		state  = "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE,,a@b=1"
	)
	for _, test := range []struct {
		parent, state, xray, wantParent, wantState string
	}{
		{"", "", "", "", ""},
		{own, "", "", own, ""},
		{own, state, xray, own, state},
		{own, "no state", xray, own, ""},
		{own, "UP=1", "", own, ""},
		{own, "a=b=c", "", own, ""},
		{own, "a=", "", own, ""},
		{own, ",", "", own, ""},
		{own, "a=b\r\nX: 1", "", own, ""},
		{own, strings.Repeat("a=b,", 32) + "c=d", "", own, ""},
		{own, "a=" + strings.Repeat("b", 600), "", own, ""},
		{"", state, "", "", ""},
		{"", state, xray, parent, ""},
		{"nothing", state, xray, parent, ""},
		{"ff" + own[2:], "", "", "", ""},
		{own + "-more", "", "", "", ""},
		{"01" + own[2:] + "-more", "", "", "01" + own[2:] + "-more", ""},
		{"01" + own[2:] + "-m\nore", "", "", "", ""},
		{"01" + own[2:] + strings.Repeat("-more", 60), "", "", "", ""},
		{strings.ToUpper(own), "", "", "", ""},
		{"00-00000000000000000000000000000000-b7ad6b7169203331-00", "", "", "", ""},
		{"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00", "", "", "", ""},
		{"", "", "Parent=53995c3f42cd8ad8; Root=1-5759E988-bd862e3fe1be46a994272793", parent[:53] + "00", ""},
		{"", "", "Self=1-1-1;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?", parent[:53] + "00", ""},
		{"", "", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "", ""},
		{"", "", "Root=1-5759e988-bd862e3fe1be46a99427279;Parent=53995c3f42cd8ad8", "", ""},
		{"", "", "Root=1-5759e988-bd862e3fe1be46a99427\n793;Parent=53995c3f42cd8ad8", "", ""},
		{"", "", "Root=1-00000000-000000000000000000000000;Parent=53995c3f42cd8ad8", "", ""},
		{"", "", "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", "", ""},
		{"", "", ";;=;Root", "", ""},
	} {
		m := msg("x")
		m.TraceHeader = test.xray
		m.Attributes = make(map[string]message.Attribute)
		if test.parent != "" {
			m.Attributes["traceparent"] = str(test.parent)
		}
		if test.state != "" {
			m.Attributes["tracestate"] = str(test.state)
		}
		got := sent(t, m).Header
		if got.Get("Traceparent") != test.wantParent || got.Get("Tracestate") != test.wantState {
			t.Errorf("%+v came as %q, %q", test, got.Get("Traceparent"), got.Get("Tracestate"))
		}
	}
}

func TestADeliverysOwnSpanGoesBeforeTheMessagesTrace(t *testing.T) {
	t.Parallel()
	m := &message.Message{
		ID: "m", Traceparent: "00-11111111111111111111111111111111-2222222222222222-01", Tracestate: "vendor=own",
		TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
		Attributes: map[string]message.Attribute{
			"traceparent": {DataType: "String", StringValue: "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"},
			"tracestate":  {DataType: "String", StringValue: "vendor=message"},
		},
	}
	h := http.Header{}
	w := &writer{to: h}
	w.trace(m)
	if h.Get("Traceparent") != m.Traceparent || h.Get("Tracestate") != "vendor=own" || h.Get("X-Amzn-Trace-Id") != m.TraceHeader {
		t.Errorf("headers %v", h)
	}
	if parent, state, decided := Origin(m); parent != m.Attributes["traceparent"].StringValue || state != "vendor=message" || !decided {
		t.Errorf("origin %s %s %t", parent, state, decided)
	}
}

func TestOnlyATraceparentDecidesThatNothingIsSampled(t *testing.T) {
	t.Parallel()
	const xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8"
	const trace = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8"
	for _, test := range []struct {
		header, attribute, want string
		decided                 bool
	}{
		{xray + ";Sampled=1", "", trace + "-01", true},
		{xray + ";Sampled=0", "", trace + "-00", false},
		{xray + ";Sampled=0", trace + "-00", trace + "-00", true},
		{xray + ";Sampled=0", trace + "-01", trace + "-01", true},
		{"Root=1-5759e988-bd862e3fe1be46a994272793", "", "", false},
		{"", "", "", false},
	} {
		m := &message.Message{TraceHeader: test.header}
		if test.attribute != "" {
			m.Attributes = map[string]message.Attribute{"traceparent": {DataType: "String", StringValue: test.attribute}}
		}
		if parent, _, decided := Origin(m); parent != test.want || decided != test.decided {
			t.Errorf("%+v: %q, decided %t", test, parent, decided)
		}
	}
}
