package admin

import "time"

// Fleet is this replica's place among those that share a target's budget.
type Fleet struct {
	// Name is the budget's; ID is this replica's.
	Name string `json:"name"`
	ID   string `json:"id"`
	// State is joining, live, using_up, pausing, on_share, stopped or fixed_part.
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Share is the starts per second with which it may go on by itself, Slots what it has
	// been granted.
	Share float64 `json:"share_per_second"`
	Slots int     `json:"slots"`
	// Replicas is how many are live. Rate (0: no limit) and Concurrency are the budget of all
	// of them; Mixed reports that some have other settings: the smaller holds.
	Replicas    int     `json:"replicas"`
	Rate        float64 `json:"rate_per_second"`
	Concurrency int     `json:"concurrency"`
	Mixed       bool    `json:"mixed"`
	// Left is how long it may go on by itself, while it does.
	Left Seconds `json:"left_seconds"`
	// Waits says what it waits for, empty while it works as usual; Problem why the
	// coordinator's last call failed, empty if it was answered.
	Waits        string `json:"waits_for"`
	Problem      string `json:"problem"`
	MemoryLost   int    `json:"memory_lost"`
	TokensUsed   int64  `json:"tokens_used"`
	TokensLapsed int64  `json:"tokens_lapsed"`
	// Members are all replicas, as of a few seconds ago; empty until somebody has looked twice.
	Members []Member `json:"members"`
}

// Member is one replica of a fleet.
type Member struct {
	ID               string  `json:"id"`
	Host             string  `json:"host"`
	Version          string  `json:"version"`
	Up               Seconds `json:"up_seconds"`
	State            string  `json:"state"`
	StartedPerSecond float64 `json:"started_per_second"`
	Slots            int     `json:"slots"`
	Share            float64 `json:"share_per_second"`
	InHand           int     `json:"in_hand"`
	Held             int     `json:"held"`
	Gate             string  `json:"gate"`
	Lag              Seconds `json:"lag_seconds"`
	// Seen is how long ago it last called; Missing reports that this is too long.
	Seen    Seconds `json:"seen_seconds"`
	Missing bool    `json:"missing"`
	Self    bool    `json:"self"`
}
