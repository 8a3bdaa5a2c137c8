package admin

import "time"

// Build identifies the build.
type Build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	GoVersion string `json:"go_version"`
}

// Status is a snapshot of the daemon, as shown by /status.json and the page. Package app
// fills it in, except for the fields marked "by the server", which Server fills in.
type Status struct {
	At        time.Time `json:"at"`
	Verdict   Verdict   `json:"verdict"` // by the server
	Build     Build     `json:"build"`   // by the server
	StartedAt time.Time `json:"started_at"`
	Uptime    Seconds   `json:"uptime_seconds"` // by the server
	Draining  bool      `json:"draining"`
	// DrainingSince is missing unless the daemon is draining.
	DrainingSince time.Time `json:"draining_since,omitzero"`

	Ready     bool      `json:"ready"`     // by the server
	NotReady  []Problem `json:"not_ready"` // by the server: why
	Healthy   bool      `json:"healthy"`   // by the server
	Unhealthy []Problem `json:"unhealthy"` // by the server: stuck loops

	Memory  Memory   `json:"memory"`
	Queues  []Queue  `json:"queues"`
	Targets []Target `json:"targets"`
	// Failures are the latest of all queues, newest first.
	Failures []Failure `json:"failures"`

	// Causes are what failures since the start had in common, the latest first.
	Causes []Cause `json:"causes"`

	// Dashboard is a link to dashboards that show more than the last minutes; empty for
	// none.
	Dashboard string `json:"dashboard,omitempty"`

	// Control reports whether the port has the control API.
	Control bool `json:"control"` // by the server
	// Held are the messages held longest, at most 100 of all queues.
	Held []Held `json:"held"`
	// Events are the latest, newest first.
	Events []Event `json:"events"`
}

// Memory is how much of the process's memory messages may take, in bytes.
type Memory struct {
	// Limit is the process's; 0 if it has none.
	Limit int64 `json:"limit_bytes"`
	// Budget is what messages may take of it. Messages is taken by those in hand, Receives
	// promised to receives that are out.
	Budget   int64 `json:"budget_bytes"`
	Messages int64 `json:"messages_bytes"`
	Receives int64 `json:"receives_bytes"`
	Free     int64 `json:"free_bytes"`
}

// Problem is one sentence, and when it began to be true.
type Problem struct {
	What  string    `json:"what"`
	Since time.Time `json:"since"`
}

// Queue is one queue and its worker.
type Queue struct {
	Name    string      `json:"name"`
	Target  string      `json:"target"`
	Verdict Verdict     `json:"verdict"` // by the server
	Problem *SQSProblem `json:"problem"` // nil if SQS works

	// Blocked is why nothing is received although messages are visible: in_flight_limit,
	// groups or unsettled. It is empty while messages are received.
	Blocked string `json:"blocked,omitempty"`

	// Lag is the age of the oldest message, a lower bound; Unknown if nothing is known of it.
	Lag Seconds `json:"lag_seconds"`
	// LagAtLeast reports whether the oldest message may be much older: it has been visible
	// for so long since it was first seen, and none was received.
	LagAtLeast bool   `json:"lag_at_least,omitempty"`
	Depth      *Depth `json:"depth"` // nil until SQS has reported it
	// Left is how many messages are visible, in flight elsewhere, or in hand.
	Left int `json:"left"`
	// Drain is the estimated time until nothing is left; null in JSON unless DrainState is
	// shrinking or empty.
	Drain      Number     `json:"drain_seconds"`
	DrainState DrainState `json:"drain_state"`

	DeadLetters *DeadLetters `json:"dead_letters"` // nil if the queue has no dead-letter queue

	Received   int64            `json:"received"`
	Duplicates int64            `json:"duplicates"`
	InHand     map[string]int   `json:"in_hand"`  // by state
	Receives   map[string]int64 `json:"receives"` // by result
	Settled    map[string]int64 `json:"settled"`  // by outcome
	Extensions map[string]int64 `json:"extensions"`
	Ledger     Ledger           `json:"ledger"`
	Parked     int              `json:"parked"`
	// ReceivesEndWithin is how long the receives that are out may last.
	ReceivesEndWithin Seconds `json:"receives_end_within_seconds"`

	StartedPerSecond   float64 `json:"started_per_second"`
	DeliveredPerSecond float64 `json:"delivered_per_second"`

	// ReceiveTime is how long a receive takes that finds a batch: the median of the last
	// ones; Unknown before the first.
	ReceiveTime Seconds `json:"receive_seconds"`

	ClockOffset Seconds `json:"clock_offset_seconds"`

	// Waits are since the start.
	Waits Waits `json:"waits"`
	// Batches is null unless requests to the target may carry several messages.
	Batches *Batches `json:"batches"`

	// Measures are what the charts need.
	Measures Measures `json:"-"`
	// trend is the backlog over the last minutes, for the overview of several queues.
	trend []float64 // by the server
}

// DeadLetters is the queue's dead-letter queue.
type DeadLetters struct {
	Name string `json:"name"`
	// Messages is how many messages it has according to SQS, at AsOf; nil if unknown.
	Messages *int       `json:"messages"`
	AsOf     *time.Time `json:"as_of"`
	// Since is when the first of them came; nil if there are none, or if they were there
	// when SQS was first asked.
	Since *time.Time `json:"since"`
	// Sent is how many this process has sent there, or released after their last receive.
	Sent int64 `json:"sent"`
}

// SQSProblem is a call that SQS is failing.
type SQSProblem struct {
	What  string    `json:"what"`
	Since time.Time `json:"since"`
	// Fault says whether somebody has to act: refused (yes), throttled, network or silent (it
	// may recover).
	Fault string `json:"fault"`
}

// Silent is the fault of a call that has not failed yet: its answer is overdue.
const Silent = "silent"

// Depth is the approximate number of messages in the queue: as SQS has reported it, less
// what was received and plus what was released since.
type Depth struct {
	Visible  int       `json:"visible"`
	InFlight int       `json:"in_flight"`
	Delayed  int       `json:"delayed"`
	AsOf     time.Time `json:"as_of"` // when SQS reported it
}

// Ledger counts messages remembered as delivered so that they are not delivered again.
type Ledger struct {
	Size int   `json:"size"`
	Hits int64 `json:"hits"`
}

// DrainState is whether the queue is being emptied.
type DrainState string

// The drain states.
const (
	DrainUnknown   DrainState = "unknown" // too little is known, as in the first seconds
	DrainEmpty     DrainState = "empty"
	DrainShrinking DrainState = "shrinking"
	DrainSteady    DrainState = "steady" // as much arrives as is settled
	DrainGrowing   DrainState = "growing"
	DrainPaused    DrainState = "paused"
	DrainAway      DrainState = "away" // the target is down, or SQS does not respond
)

// Target is one target and the use of its pace.
type Target struct {
	Name string `json:"name"`
	// Place is scheme://host, without path, query or user info.
	Place string `json:"place"`
	Pace  Pace   `json:"pace"`
	Gate  Gate   `json:"gate"`
	// Fleet is null unless a coordinator shares the target's budget between replicas.
	Fleet *Fleet `json:"fleet"`
	// Overrides are an operator's pause and limits, in force beside or instead of the
	// settings.
	Overrides []Override `json:"overrides"`

	Delivering int `json:"delivering"`
	// Hanging is how many of them have run for ten times the mean and 5 s or more, and
	// LongestDelivery for how long the longest has run.
	Hanging          int     `json:"hanging"`
	LongestDelivery  Seconds `json:"longest_delivery_seconds"`
	StartedPerSecond float64 `json:"started_per_second"`
	// MeanDelivery is the mean duration of a successful delivery; NaN before the first.
	MeanDelivery Number `json:"mean_delivery_seconds"`

	// Deliveries counts deliveries since the start, sorted by outcome and status; the
	// server adds those of the last minute.
	Deliveries           []Deliveries `json:"deliveries"`
	DeliveriesLastMinute []Deliveries `json:"deliveries_last_minute"`
}

// Gate is the state of a target's gate.
type Gate struct {
	// State is starting, open, wary, closed or half_open.
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Held counts messages kept in hand after a failed delivery until it is clear whether
	// the message or the target is at fault.
	Held int `json:"held"`
	// Reason is the most common outcome of the current run of failures, empty if there
	// is none. TroubleSince is when it began, TroubleMessages how many messages are
	// failing.
	Reason string `json:"reason,omitempty"`
	// Answers are what the failed tries of the run got, in words: 404 (5 of 5).
	Answers         string     `json:"answers,omitempty"`
	TroubleSince    *time.Time `json:"trouble_since"`
	TroubleMessages int        `json:"trouble_messages"`
	// RejectsSince is when the target began to reject everything, and Rejected how many
	// messages were settled as rejected before that was clear; null and 0 if it does not.
	RejectsSince *time.Time `json:"rejects_since"`
	Rejected     int        `json:"rejected"`
	// Released is how many held messages have been released to make room. Each release
	// costs a receive.
	Released int64 `json:"released_for_room"`
	// NextProbe is when the target is tried next; null unless the gate is closed, and while
	// the target is paused.
	NextProbe *time.Time `json:"next_probe"`
	// Limit is how many concurrent deliveries the gate allows.
	Limit   int   `json:"limit"`
	Strikes int64 `json:"strikes"`
}

// Pace has the limits in force. If replicas share a budget, they are this one's share.
type Pace struct {
	// Rate is deliveries started per second; +Inf (null in JSON) is no limit, 0 is paused.
	Rate        Number `json:"rate_per_second"`
	Burst       int    `json:"burst"` // 0 without a rate
	Concurrency int    `json:"concurrency"`
	// Quotas are sorted by their windows, the shortest first.
	Quotas []Quota `json:"quotas"`
	// Told is what the target has said of its limits; null while nothing holds.
	Told *Told `json:"told"`
	// Replicas is how many replicas share the budget.
	Replicas int `json:"fleet_replicas"`
	// Adaptive is null unless the concurrency is found.
	Adaptive *Adaptive `json:"adaptive"`
}

// Adaptive is how the concurrency in force was found.
type Adaptive struct {
	// Most is the maximum.
	Most int `json:"most"`
	// Trial reports whether half of the concurrency is tried, to see whether refusals are
	// about load.
	Trial bool `json:"trial"`
	// RefusedAlone counts 429s with nothing else running: those of a quota.
	RefusedAlone int64 `json:"refused_alone"`
	// Changes are the latest, newest first.
	Changes []Found `json:"changes"`
}

// Found is one change of the concurrency that is found.
type Found struct {
	At          time.Time `json:"at"`
	Was         int       `json:"was"`
	Concurrency int       `json:"concurrency"`
	// Reason is from a fixed set, Words say the same with figures: 429 beside 8 others.
	Reason string `json:"reason"`
	Words  string `json:"words"`
}

// Quota is how many deliveries may start in any window of a length, and how many have.
type Quota struct {
	Limit  int     `json:"limit"`
	Window Seconds `json:"window_seconds"`
	Used   int     `json:"used"`
	Left   int     `json:"left"`
	// FreeAt is when the next start is free; null while there are some left.
	FreeAt *time.Time `json:"free_at"`
}

// Told is what the target has said of its limits: how many deliveries may start until it
// takes more, of the tightest.
type Told struct {
	Remaining int       `json:"remaining"`
	ResetAt   time.Time `json:"reset_at"`
	// WaitingSince is since when starts wait for it; null while they do not.
	WaitingSince *time.Time `json:"waiting_since"`
}

// Deliveries counts the deliveries with an outcome and a status, which is the answer's
// class or the reason why there was none.
type Deliveries struct {
	Outcome string `json:"outcome"`
	Status  string `json:"status"`
	// Answer is the HTTP status, or in words why there was none.
	Answer string `json:"answer"`
	Count  int64  `json:"count"`
}

// Failure is a failed delivery or a failed SQS call.
type Failure struct {
	At    time.Time `json:"at"`
	Queue string    `json:"queue"`
	// For an SQS call, MessageID and Outcome are empty and ReceiveCount is 0.
	MessageID    string `json:"message_id,omitempty"`
	ReceiveCount int    `json:"receive_count,omitempty"`
	Outcome      string `json:"outcome,omitempty"`
	Status       int    `json:"status,omitempty"` // 0: no answer
	Reason       string `json:"reason"`
	Detail       string `json:"detail,omitempty"`
}
