package demo

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// Stats counts a sink's requests since its start, or since the counts were reset.
type Stats struct {
	Since time.Time `json:"since"`
	// Received is every request; Accepted those that were taken, answered with the
	// sink's own status.
	Received int64 `json:"received"`
	Accepted int64 `json:"accepted"`
	// Messages are those that accepted requests delivered, and Failed those that were failed,
	// each time they were.
	Messages int64 `json:"messages"`
	Failed   int64 `json:"failed"`
	// Refused is by reason: capacity, rate, outage, and, where there are such, quota, recovery,
	// and form: what is wrong with the request.
	Refused map[string]int64 `json:"refused"`
	// Abandoned are those whose client did not wait for the answer.
	Abandoned int64 `json:"abandoned"`
	// Duplicates are messages that were accepted before.
	Duplicates int64 `json:"duplicates"`
	// AtOnce is how many of those that were taken are being answered; SeenAtOnceMax
	// counts the refused too.
	AtOnce        int `json:"at_once"`
	AtOnceMax     int `json:"at_once_max"`
	SeenAtOnceMax int `json:"seen_at_once_max"`
	// PerSecond is how many came in the last second, PerSecondMax the most that came
	// in any second.
	PerSecond    int `json:"per_second"`
	PerSecondMax int `json:"per_second_max"`
	// Lag is how old the last request that was taken was when it came, by its
	// X-Poller-Sent-At.
	Lag float64 `json:"lag_seconds"`
	// Outage is the outage that is on, if one is.
	Outage string `json:"outage,omitempty"`
}

// Overrun is how many were refused because more came than it takes when it is well.
func (s Stats) Overrun() int64 { return s.Refused[byCapacity] + s.Refused[byRate] + s.Refused[byQuota] }

// Wrong is how many were refused because something is wrong with them.
func (s Stats) Wrong() int64 { return s.Refused[byForm] }

// RefusedInAll adds the reasons up.
func (s Stats) RefusedInAll() int64 {
	var n int64
	for _, count := range s.Refused {
		n += count
	}
	return n
}

// Why a request was refused.
const (
	byCapacity = "capacity"
	byRate     = "rate"
	byQuota    = "quota"
	byOutage   = "outage"
	byRecovery = "recovery"
	byForm     = "form"
)

// counts is what a reset clears.
type counts struct {
	Stats
	ids seen
}

func newCounts(now time.Time) counts {
	return counts{
		Stats: Stats{Since: now, Refused: map[string]int64{byCapacity: 0, byRate: 0, byOutage: 0}},
		ids:   newSeen(),
	}
}

// Stats returns the counts so far.
func (s *Sink) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := s.since()
	stats := s.counts.Stats
	stats.Refused = maps.Clone(stats.Refused)
	stats.AtOnce = s.atOnce
	stats.PerSecond = s.lastSecond.count(since)
	if outage, on := s.options.Outages.at(since); on {
		stats.Outage = outage.String()
	}
	return stats
}

// Reset resets the counts. The schedule of outages is not affected.
func (s *Sink) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = newCounts(time.Now())
	s.counts.AtOnceMax, s.counts.SeenAtOnceMax = s.atOnce, s.present
	s.lastSecond.clear()
}

// serveStats answers GET /stats, and resets the counts on DELETE.
func (s *Sink) serveStats(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodDelete:
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet, http.MethodHead:
		w.Header().Set("Content-Type", "application/json")
		text, err := json.MarshalIndent(s.Stats(), "", "  ")
		if err != nil {
			http.Error(w, "The counts cannot be shown.", http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(append(text, '\n'))
	default:
		w.Header().Set("Allow", "GET, HEAD, DELETE")
		http.Error(w, "GET shows the counts, DELETE begins them again.", http.StatusMethodNotAllowed)
	}
}
