package admin

import "time"

// What an operator did, and what is held: the part of the status that operating needs.

// Override is a limit that an operator has set for a while, or a pause. It goes before the
// settings.
type Override struct {
	// Kind is pause, rate or concurrency.
	Kind string `json:"kind"`
	// Value is the rate or the concurrency as it was written; empty for a pause.
	Value string    `json:"value,omitempty"`
	Since time.Time `json:"since"`
	// Until is when it ends by itself; null if it lasts until it is lifted.
	Until *time.Time `json:"until"`
	// By is who did it, as they said; From is the address that the request came from.
	By   string `json:"by,omitempty"`
	From string `json:"from,omitempty"`
	// Fleet reports whether it is all replicas', by their coordinator, and not this one's alone.
	Fleet bool `json:"fleet,omitempty"`
}

// Event is something that changed how the daemon works.
type Event struct {
	At time.Time `json:"at"`
	// Kind is start, reload, override or gate.
	Kind string `json:"kind"`
	// Target is the target's name; empty if it concerns all.
	Target string `json:"target,omitempty"`
	Text   string `json:"text"`
}

// Held is a message that is kept in hand after a failed delivery.
type Held struct {
	Queue        string `json:"queue"`
	MessageID    string `json:"message_id"`
	ReceiveCount int    `json:"receive_count"`
	// Tries and Strikes are of this receive.
	Tries   int `json:"tries"`
	Strikes int `json:"strikes"`
	// Since is when its first try failed.
	Since time.Time `json:"since"`
	// Outcome, Status and Reason are of its last try.
	Outcome string `json:"outcome"`
	Status  int    `json:"status,omitempty"` // 0: no answer
	Reason  string `json:"reason"`
	// Next is when it is tried next; null while that depends on what it waits for.
	Next *time.Time `json:"next_try"`
	// WaitsFor is target (the gate is closed: a probe has to succeed), resume (the target is
	// paused) or release (it was given up); empty if it only waits for its next try.
	WaitsFor string `json:"waits_for,omitempty"`
	// NextProbe is when the target is probed next; null unless it waits for the target.
	NextProbe *time.Time `json:"next_probe,omitempty"`
}

// Cause is one way in which deliveries, or SQS calls, have failed since the start.
type Cause struct {
	Queue string `json:"queue"`
	// Target and Outcome are empty for SQS calls.
	Target  string `json:"target,omitempty"`
	Outcome string `json:"outcome,omitempty"`
	Status  int    `json:"status,omitempty"` // 0: no answer
	Reason  string `json:"reason"`
	// Words say more if there was no answer.
	Words string    `json:"words,omitempty"`
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Example is the id of the last message that failed so.
	Example string `json:"example,omitempty"`
}

// Measures are sums since the start of a queue's worker.
type Measures struct {
	// Durations counts successful deliveries by duration: Durations[i] took at most
	// Bound(i), and more than Bound(i-1). Nil before the first delivery.
	Durations []int64
	Bound     func(i int) time.Duration
	// Failed counts deliveries that were not delivered.
	Failed int64
}

// Waits are how long messages in hand have waited before their delivery, by what for: a
// slot, a token of the rate, a quota or what the target says of its limits, the gate.
type Waits struct {
	Slot  Wait `json:"slot"`
	Token Wait `json:"token"`
	Quota Wait `json:"quota"`
	Gate  Wait `json:"gate"`
}

func (w Waits) all() [4]Wait { return [...]Wait{w.Slot, w.Token, w.Quota, w.Gate} }

// Wait is how many messages have waited since the start, and for how long in all.
type Wait struct {
	Count int64   `json:"count"`
	Sum   Seconds `json:"seconds"`
}

// Batches are the requests to the target that may carry several messages.
type Batches struct {
	// Most is how many messages one carries at most.
	Most int `json:"most"`
	// Last are how many the last ones carried, the oldest first.
	Last []int `json:"last"`
	// Dissolved is how many failed as a whole, so that their messages are tried alone.
	Dissolved int64 `json:"dissolved"`
}

// override returns the target's override of a kind, or nil.
func (t Target) override(kind string) *Override {
	for i := range t.Overrides {
		if t.Overrides[i].Kind == kind {
			return &t.Overrides[i]
		}
	}
	return nil
}

// pinned returns who has set a limit and until when, as part of a sentence; empty if it is
// the settings'.
func (t Target) pinned(kind string) string {
	o := t.override(kind)
	if o == nil {
		return ""
	}
	return " (set" + o.who() + " " + o.ends() + ")"
}

func (o *Override) who() string {
	who := " by an operator"
	if o.By != "" {
		who = " by " + o.By
	}
	if o.Fleet {
		who += " for all replicas"
	}
	return who
}

func (o *Override) ends() string {
	if o.Until == nil {
		return "until resumed"
	}
	return "until " + clock(*o.Until)
}
