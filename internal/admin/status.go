package admin

import "time"

// Build says which poller this is.
type Build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	GoVersion string `json:"go_version"`
}

// Status is how things stand at one moment: what /status.json says and what the
// page shows. Whoever serves it (app) fills what it knows; the fields marked
// "by the server" are filled in by Server and need not be.
type Status struct {
	At        time.Time `json:"at"`
	Verdict   Verdict   `json:"verdict"` // by the server
	Build     Build     `json:"build"`   // by the server
	StartedAt time.Time `json:"started_at"`
	Uptime    Seconds   `json:"uptime_seconds"` // by the server
	Draining  bool      `json:"draining"`
	// DrainingSince is missing while it is not draining.
	DrainingSince time.Time `json:"draining_since,omitzero"`

	Ready     bool      `json:"ready"`     // by the server
	NotReady  []Problem `json:"not_ready"` // by the server: why
	Healthy   bool      `json:"healthy"`   // by the server
	Unhealthy []Problem `json:"unhealthy"` // by the server: what stands still

	Queues  []Queue  `json:"queues"`
	Targets []Target `json:"targets"`
	// Failures are the last ones of all queues, the newest first.
	Failures []Failure `json:"failures"`
}

// Problem is one sentence, and since when it is true.
type Problem struct {
	What  string    `json:"what"`
	Since time.Time `json:"since"`
}

// Queue is one queue and the worker on it.
type Queue struct {
	Name    string      `json:"name"`
	Target  string      `json:"target"`
	Verdict Verdict     `json:"verdict"` // by the server
	Problem *SQSProblem `json:"problem"` // nil: SQS does what it is asked

	// Blocked is why nothing is received though messages are visible:
	// in_flight_limit, groups or unsettled; empty while it is.
	Blocked string `json:"blocked,omitempty"`

	// Lag is the age of the oldest message known, a lower bound.
	Lag   Seconds `json:"lag_seconds"`
	Depth *Depth  `json:"depth"` // nil: SQS has not said it yet
	// Drain is the estimated time to empty at today's pace; +Inf while the queue
	// grows, NaN while it is not known: both null in JSON, DrainState tells them apart.
	Drain      Number     `json:"drain_seconds"`
	DrainState DrainState `json:"drain_state"` // by the server

	Received   int64            `json:"received"`
	Duplicates int64            `json:"duplicates"`
	InHand     map[string]int   `json:"in_hand"`  // by state
	Receives   map[string]int64 `json:"receives"` // by result
	Settled    map[string]int64 `json:"settled"`  // by outcome
	Extensions map[string]int64 `json:"extensions"`
	Ledger     Ledger           `json:"ledger"`
	Parked     int              `json:"parked"`

	StartedPerSecond   float64 `json:"started_per_second"`
	DeliveredPerSecond float64 `json:"delivered_per_second"`

	ClockOffset Seconds `json:"clock_offset_seconds"`
}

// SQSProblem is what SQS does not do.
type SQSProblem struct {
	What  string    `json:"what"`
	Since time.Time `json:"since"`
	// Fault is who has to act: refused (a person), throttled, network (it may heal).
	Fault string `json:"fault"`
}

// Depth is what SQS last said is in the queue, approximately.
type Depth struct {
	Visible  int       `json:"visible"`
	InFlight int       `json:"in_flight"`
	Delayed  int       `json:"delayed"`
	AsOf     time.Time `json:"as_of"`
}

// Ledger is what is remembered as delivered, so that it is not delivered again.
type Ledger struct {
	Size int   `json:"size"`
	Hits int64 `json:"hits"`
}

// DrainState is where the depth goes.
type DrainState string

// The drain states.
const (
	DrainUnknown   DrainState = "unknown"
	DrainEmpty     DrainState = "empty"
	DrainShrinking DrainState = "shrinking"
	DrainGrowing   DrainState = "growing"
)

// Target is one downstream and how its pace is used.
type Target struct {
	Name string `json:"name"`
	// Place is scheme://host, without path, query and user info.
	Place string `json:"place"`
	Pace  Pace   `json:"pace"`
	Gate  Gate   `json:"gate"`

	Delivering       int     `json:"delivering"`
	StartedPerSecond float64 `json:"started_per_second"`
	// MeanDelivery is the mean time of a delivered delivery; NaN before the first.
	MeanDelivery Number `json:"mean_delivery_seconds"`

	// Deliveries counts since the start, sorted by outcome and status; the last
	// minute's are by the server.
	Deliveries           []Deliveries `json:"deliveries"`
	DeliveriesLastMinute []Deliveries `json:"deliveries_last_minute"`
}

// Gate is whether the target may be tried.
type Gate struct {
	// State is starting, open, wary, closed or half_open.
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Held messages are in hand: their delivery failed, and whose fault that was is not
	// proven yet.
	Held int `json:"held"`
	// Reason is what most deliveries of the trouble came to; empty: there is none.
	// TroubleSince is when it began, TroubleMessages how many messages are in it.
	Reason          string     `json:"reason,omitempty"`
	TroubleSince    *time.Time `json:"trouble_since"`
	TroubleMessages int        `json:"trouble_messages"`
	// RejectsSince is since when the target rejects everything, and Rejected how many of
	// those messages were given back before that was clear; null and 0: it does not.
	RejectsSince *time.Time `json:"rejects_since"`
	Rejected     int        `json:"rejected"`
	// Released is how many held messages were released so far since there was no room for
	// more; each cost a receive.
	Released int64 `json:"released_for_room"`
	// NextProbe is when the target is tried again; null unless the gate is closed.
	NextProbe *time.Time `json:"next_probe"`
	// Limit is how many deliveries at once are let through now.
	Limit   int   `json:"limit"`
	Strikes int64 `json:"strikes"`
}

// Pace is what is in force now: of a budget that replicas share, this one's part.
type Pace struct {
	// Rate is deliveries started a second; +Inf (null in JSON) is no limit, 0 a pause.
	Rate        Number `json:"rate_per_second"`
	Burst       int    `json:"burst"` // 0 without a rate
	Concurrency int    `json:"concurrency"`
	// Replicas is how many the budget was divided by.
	Replicas int `json:"fleet_replicas"`
}

// Deliveries counts those that came to one outcome in one way: status is the
// answer's class or why there was none.
type Deliveries struct {
	Outcome string `json:"outcome"`
	Status  string `json:"status"`
	Count   int64  `json:"count"`
}

// Failure is one delivery, or one SQS call, that failed.
type Failure struct {
	At    time.Time `json:"at"`
	Queue string    `json:"queue"`
	// Of an SQS call, MessageID and Outcome are empty and ReceiveCount is 0.
	MessageID    string `json:"message_id,omitempty"`
	ReceiveCount int    `json:"receive_count,omitempty"`
	Outcome      string `json:"outcome,omitempty"`
	Status       int    `json:"status,omitempty"` // 0: no answer
	Reason       string `json:"reason"`
	Detail       string `json:"detail,omitempty"`
}
