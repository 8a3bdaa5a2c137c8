package demo_test

import (
	"encoding"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

func TestSettingsAreReadAndShownTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		into encoding.TextUnmarshaler
		text string
		want string // empty: refused
	}{
		{new(demo.Limit), "28/s", "28/s"},
		{new(demo.Limit), "28", "28/s"},
		{new(demo.Limit), "1000/m", "1000/m"},
		{new(demo.Limit), "50000/h", "50000/h"},
		{new(demo.Limit), "28/x", ""},
		{new(demo.Limit), "28/", ""},
		{new(demo.Limit), "0/s", ""},
		{new(demo.Limit), "2.5/s", ""},
		{new(demo.Limit), "99999999/s", ""},
		{new(demo.Latency), "200ms", "200ms"},
		{new(demo.Latency), "100ms-200ms", "100ms-200ms"},
		{new(demo.Latency), "200ms-100ms", ""},
		{new(demo.Latency), "-1s", ""},
		{new(demo.Latency), "5", ""},
		{new(demo.Outage), "30s-60s", "30s-1m0s=503"},
		{new(demo.Outage), "30s-60s=500", "30s-1m0s=500"},
		{new(demo.Outage), "0s-1m=refuse", "0s-1m0s=refuse"},
		{new(demo.Outage), "30s-=hang", "30s-=hang"},
		{new(demo.Outage), "30s", ""},
		{new(demo.Outage), "60s-30s", ""},
		{new(demo.Outage), "30s-60s=", ""},
		{new(demo.Outage), "30s-60s=explode", ""},
		{new(demo.Outage), "30s-60s=100", ""},
		{new(demo.Outage), "-30s-60s", ""},
	} {
		err := c.into.UnmarshalText([]byte(c.text))
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%q is taken as %s", c.text, c.into)
		case c.want == "" && !strings.Contains(err.Error(), "write"):
			t.Errorf("%q: the error does not say what to write: %v", c.text, err)
		case c.want != "" && (err != nil || fmt.Sprint(c.into) != c.want):
			t.Errorf("%q: %s (%v), want %s", c.text, c.into, err, c.want)
		}
	}
}

func TestAnOutageHasToEndBeforeAllBeginAgain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"30s-60s", "30s-"} {
		s := demo.Schedule{Outages: []demo.Outage{outage(t, text)}, Every: 45 * time.Second}
		if s.Check() == nil {
			t.Errorf("%s is taken with every 45 s", text)
		}
	}
	s := demo.Schedule{Outages: []demo.Outage{outage(t, "30s-45s")}, Every: 45 * time.Second}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
