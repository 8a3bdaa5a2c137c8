package fleet

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	aboutEvery  = 2 * time.Second  // between descriptions that this replica gives of itself
	rosterEvery = 2 * time.Second  // between readings of all replicas
	wantedFor   = 15 * time.Second // so long after somebody has looked
	rosterMost  = 500
)

// About is how a replica describes itself to people who look at another one.
type About struct {
	Host             string  `json:"host"`
	Version          string  `json:"version"`
	Up               int64   `json:"up"`      // seconds
	StartedPerSecond float64 `json:"started"` // a second
	InHand           int     `json:"in_hand"`
	Held             int     `json:"held"`
	Gate             string  `json:"gate"`
	Lag              float64 `json:"lag"` // seconds
	State            string  `json:"state"`
}

// Member is one replica, as the coordinator has it.
type Member struct {
	ID string
	About
	// Seen is how long ago it called; Missing reports whether it has been silent for too long.
	Seen    time.Duration
	Missing bool
	Share   float64
	Slots   int
	Busy    bool
	Self    bool
}

// roster is the last reading of all replicas.
type roster struct {
	members   []Member
	looked    bool
	wanted    time.Duration // when somebody last looked
	read      time.Duration
	about     About
	described time.Duration
}

// records is what the coordinator has of all replicas, by their ids.
type records struct {
	members, about map[string]string
}

// askAbout asks this replica to describe itself, now and then. It is called without the
// mutex, which the answer takes.
func (f *Fleet) askAbout() {
	now := time.Since(f.base)
	if f.options.About == nil || f.fresh.described != 0 && now-f.fresh.described < aboutEvery {
		return
	}
	about := f.options.About()
	f.mu.Lock()
	f.fresh.about, f.fresh.described = about, now
	f.mu.Unlock()
}

// describe has a call carry what this replica has said of itself.
func (f *Fleet) describe(r *request) {
	if !r.real() || f.options.About == nil {
		return
	}
	f.fresh.about.State = f.member.state.String()
	if text, err := json.Marshal(f.fresh.about); err == nil {
		r.about = string(text)
	}
}

// readRoster reads all replicas, if somebody has looked at them lately.
func (f *Fleet) readRoster(ctx context.Context) {
	f.mu.Lock()
	now := time.Since(f.base)
	due := f.fresh.looked && f.member.state == Live && now-f.fresh.wanted < wantedFor && now-f.fresh.read >= rosterEvery
	f.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	all, err := f.coordinator.list(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	now = time.Since(f.base)
	f.fresh.read = now
	if err == nil {
		f.fresh.members = parseMembers(all, f.member.clock.server(now), f.member.id)
	}
}

// parseMembers reads the records of all replicas, the ones that were there longest first.
func parseMembers(r records, now time.Duration, self string) []Member {
	var all []Member
	for id, text := range r.members {
		text, _, _ = strings.Cut(text, ";") // its quotas
		numbers := strings.Fields(text)
		if len(numbers) < 5 {
			continue
		}
		v := make([]int64, len(numbers))
		for i, n := range numbers {
			v[i], _ = strconv.ParseInt(n, 10, 64)
		}
		m := Member{ID: id, Share: float64(v[2]) / 1e6, Slots: int(v[3]), Busy: v[4] == 1, Self: id == self}
		_ = json.Unmarshal([]byte(r.about[id]), &m.About) // of another version: what is understood
		if v[0] > 0 {
			m.Seen = max(now-micros(v[0]), 0)
		}
		m.Missing = v[0] == 0 || m.Seen > missing
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Member) int {
		if a.Up != b.Up {
			return int(b.Up - a.Up)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all[:min(len(all), rosterMost)]
}
