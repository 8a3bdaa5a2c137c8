package demo

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The kinds of outage other than a status.
const (
	// Refuse closes the port, so that connections are refused.
	Refuse = "refuse"
	// Hang does not answer until the client gives up.
	Hang = "hang"
	// Reset cuts the connection in the middle of the request.
	Reset = "reset"
)

// Outage is a period, relative to the sink's start, in which no request succeeds.
type Outage struct {
	// From is in the outage, To is not. To 0 means forever.
	From, To time.Duration
	// Status is the answer to every request. If 0, How applies.
	Status int
	// How is Refuse, Hang or Reset when there is no status.
	How string
}

// UnmarshalText parses 30s-60s (503), 30s-60s=500, 30s-60s=refuse, 30s-=hang.
func (o *Outage) UnmarshalText(text []byte) error {
	span, how, given := strings.Cut(string(text), "=")
	from, to, ranged := strings.Cut(span, "-")
	begin, err := time.ParseDuration(from)
	if err != nil || !ranged || begin < 0 {
		return errNoOutage(text)
	}
	end := time.Duration(0)
	if to != "" {
		if end, err = time.ParseDuration(to); err != nil || end <= begin {
			return errNoOutage(text)
		}
	}
	*o = Outage{From: begin, To: end, Status: http.StatusServiceUnavailable}
	if !given {
		return nil
	}
	switch how {
	case Refuse, Hang, Reset:
		o.Status, o.How = 0, how
		return nil
	}
	if o.Status, err = strconv.Atoi(how); err != nil || !ValidStatus(o.Status) {
		return errNoOutage(text)
	}
	return nil
}

func errNoOutage(text []byte) error {
	return fmt.Errorf("invalid outage %q: write from when to when after the start, and what happens: "+
		"30s-60s (answers 503), 30s-60s=500, 30s-60s=refuse, =hang or =reset", text)
}

// ValidStatus reports whether a status can be an answer's last.
func ValidStatus(status int) bool { return status >= 200 && status <= 599 }

func (o Outage) String() string {
	to := ""
	if o.To != 0 {
		to = o.To.String()
	}
	return fmt.Sprintf("%s-%s=%s", o.From, to, cmp.Or(o.How, strconv.Itoa(o.Status)))
}

// Schedule is all outages of a sink.
type Schedule struct {
	// Outages do not overlap, or the first of them counts.
	Outages []Outage
	// Every is the period after which they all repeat; 0 means never.
	Every time.Duration
}

// Check returns an error if the schedule is invalid.
func (s Schedule) Check() error {
	for _, o := range s.Outages {
		if s.Every > 0 && (o.To == 0 || o.To > s.Every) {
			return fmt.Errorf("the outage %s does not end within the %s after which all begin again", o, s.Every)
		}
	}
	return nil
}

// at returns the outage at that time after the start.
func (s Schedule) at(since time.Duration) (Outage, bool) {
	turn := since
	if s.Every > 0 {
		turn = since % s.Every
	}
	for _, o := range s.Outages {
		if turn >= o.From && (o.To == 0 || turn < o.To) {
			return o, true
		}
	}
	return Outage{}, false
}

// never is later than any time.
const never = time.Duration(math.MaxInt64)

// next returns how long after since an outage begins or ends, or never.
func (s Schedule) next(since time.Duration) time.Duration {
	turn, wait := since, never
	if s.Every > 0 {
		turn = since % s.Every
	}
	for _, o := range s.Outages {
		for _, edge := range []time.Duration{o.From, o.To} {
			switch {
			case edge > turn:
				wait = min(wait, edge-turn)
			case s.Every > 0:
				wait = min(wait, edge+s.Every-turn)
			}
		}
	}
	return wait
}

// over returns how long ago, at that time after the start, the last outage ended, or
// never.
func (s Schedule) over(since time.Duration) time.Duration {
	turn, ago := since, never
	if s.Every > 0 {
		turn = since % s.Every
	}
	for _, o := range s.Outages {
		switch {
		case o.To == 0:
		case turn >= o.To:
			ago = min(ago, turn-o.To)
		case turn < since:
			ago = min(ago, turn+s.Every-o.To)
		}
	}
	return ago
}
