package consumer

import "time"

// noticeEvery is how often the same thing is logged.
const noticeEvery = time.Minute

// notices keeps the log from being flooded: of each key one line at the change,
// then one a minute with how many there were. Keys are from fixed sets.
type notices struct {
	said map[string]*notice
}

type notice struct {
	at   time.Time
	more int // since the last line
}

func newNotices() *notices {
	return &notices{said: make(map[string]*notice)}
}

// say counts one event of key and reports whether a line is due, and how many events
// it stands for. changed: this event is a change, and so has a line.
func (n *notices) say(now time.Time, key string, changed bool) (events int, due bool) { //nolint:unparam // changes that flap are for flapping
	s, known := n.said[key]
	if !known {
		s = &notice{}
		n.said[key] = s
	}
	s.more++
	if known && !changed && now.Sub(s.at) < noticeEvery {
		return 0, false
	}
	events = s.more
	s.at, s.more = now, 0
	return events, true
}

// forget ends key: its next event is a change.
func (n *notices) forget(key string) { delete(n.said, key) }

// failuresKept is how many failures the status page shows.
const failuresKept = 20

// failures is a ring of the last ones. It grows to its size: most queues have none.
type failures struct {
	ring   []Failure
	n      int
	causes causes
}

func (f *failures) add(what Failure) {
	if len(f.ring) < failuresKept {
		f.ring = append(f.ring, what)
	} else {
		f.ring[f.n%failuresKept] = what
	}
	f.causes.add(what)
	f.n++
}

// newestFirst are those that are kept.
func (f *failures) newestFirst() []Failure {
	var kept []Failure
	for i := range len(f.ring) {
		kept = append(kept, f.ring[(f.n-1-i)%failuresKept])
	}
	return kept
}
