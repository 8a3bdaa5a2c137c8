package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/fleet"
)

// What an operator sets for all replicas of a fleet is kept by its coordinator, as a text that
// every replica reads with its next call: decisions, of which each kind has the last.

// decision is a limit or a pause that an operator has set, or that one is lifted. Times
// are by the coordinator's clock, in microseconds since 1970.
type decision struct {
	At          int64  `json:"at"`
	Until       int64  `json:"until,omitempty"` // 0: until it is lifted
	By          string `json:"by,omitempty"`
	From        string `json:"from,omitempty"`
	Set         bool   `json:"set"`
	Rate        string `json:"rate,omitempty"`
	Concurrency int    `json:"concurrency,omitempty"`
}

// decisions are the last of each kind, by its name.
type decisions map[string]decision

// setAt reports whether it is in force at a time of the coordinator's.
func (d decision) setAt(now int64) bool { return d.Set && (d.Until == 0 || d.Until > now) }

// fleetWide is what this replica knows of a target's decisions.
type fleetWide struct {
	at  [kinds]int64 // when the last one was made that it has taken in
	set overrides    // those in force
}

var errNoCoordinator = errors.New("fleet: no coordinator shares the budget (--fleet-redis): omit it, and tell each replica")

// inForce returns a target's overrides. A replica's own is newer than the fleet's of that
// kind, or it would be gone.
func (a *App) inForce(name string) *overrides {
	all := *a.overrides[name]
	for k, o := range all {
		if o == nil {
			all[k] = a.fleetWide[name].set[k]
		}
	}
	return &all
}

// operateFleet has the coordinators of the targets' budgets tell all replicas.
func (a *App) operateFleet(ctx context.Context, o *operated) ([]string, error) {
	var changed []string
	for _, name := range o.targets {
		var said []string
		err := a.targets[name].fleet.Rewrite(ctx, func(old string, now time.Duration) (text string, err error) {
			text, said, err = o.decide(old, now)
			return text, err
		})
		if err != nil {
			changed = append(changed, fmt.Sprintf("target %s: the fleet's coordinator did not take it (%v): try again, or tell each replica, without --fleet", name, err))
			return nil, &admin.UnavailableError{What: strings.Join(changed, "; ")}
		}
		a.reload.Lock()
		changed = append(changed, "target "+name+", all replicas: "+strings.Join(said, ", ")+"; in force here: "+inWords(a.limitsInForce(name))+a.stillPaused(name, o))
		a.reload.Unlock()
	}
	return changed, nil
}

// decide returns the decisions with what the operator asks for, and that in words.
func (o *operated) decide(old string, at time.Duration) (text string, said []string, err error) {
	all := make(decisions)
	if old != "" {
		if err := json.Unmarshal([]byte(old), &all); err != nil {
			return "", nil, fmt.Errorf("what it has of overrides is not this version's: %w", err)
		}
	}
	now := at.Microseconds()
	for _, k := range o.kinds() {
		d := decision{At: now, By: o.by, From: o.from, Set: !o.lifts()}
		if o.lifts() {
			if all[k.String()].setAt(now) {
				said = append(said, k.lifted())
			}
			all[k.String()] = d
			continue
		}
		if o.lasts > 0 {
			d.Until = now + o.lasts.Microseconds()
		}
		switch k {
		case rateKind:
			d.Rate = o.rate.String()
		case concurrencyKind:
			d.Concurrency = o.concurrency
		}
		all[k.String()] = d
		said = append(said, o.override(k, time.Time{}).inWords(k))
	}
	if said == nil {
		said = []string{"nothing was overridden"}
	}
	written, err := json.Marshal(all)
	return string(written), said, err
}

// hearOverride takes in what an operator has set for all replicas of a target.
func (a *App) hearOverride(name string) {
	a.reload.Lock()
	defer a.reload.Unlock()
	f := a.targets[name].fleet
	text, all := f.Override(), make(decisions)
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		a.log.Error("an operator's override of the fleet is ignored: it is not this version's", slog.String("target", name), slog.String("reason", err.Error()))
		return
	}
	now := time.Now()
	var said []string
	var last decision
	for k := range kinds {
		d, known := all[k.String()]
		if !known || d.At == a.fleetWide[name].at[k] {
			continue
		}
		what, err := a.takeIn(now, name, k, d, f)
		if err != nil {
			a.log.Error("an operator's override of the fleet cannot be kept to by this replica", slog.String("target", name),
				slog.String("kind", k.String()), slog.String("reason", err.Error()), slog.String("by", d.By), slog.String("from", d.From))
			what = k.String() + " cannot be kept to by this replica: " + err.Error()
		}
		if what != "" {
			said, last = append(said, what), d
		}
	}
	a.putInForce(now, name)
	if said == nil {
		return
	}
	what := strings.Join(said, ", ")
	a.log.Info("an operator changed the pace of the fleet", slog.String("target", name), slog.String("changed", what),
		slog.String("in_force", inWords(a.limitsInForce(name))), slog.String("by", last.By), slog.String("from", last.From))
	a.note(now, "override", name, what+" for all replicas"+byWhom(last.By)+" from "+last.From)
	a.wakeOverrides()
}

// takeIn takes in one decision and returns, in words, what it changed.
func (a *App) takeIn(now time.Time, name string, k kind, d decision, f *fleet.Fleet) (string, error) {
	w, at := a.fleetWide[name], f.When(micros(d.At))
	w.at[k] = d.At
	ended := w.set[k] != nil
	w.set[k] = nil
	if own := a.overrides[name][k]; own != nil && own.since.Before(at) {
		a.overrides[name][k], ended = nil, true // the newest holds
	}
	o := &override{since: at, by: d.By, from: d.From, fleet: true}
	if d.Until > 0 {
		o.until = f.When(micros(d.Until))
	}
	if !d.Set || !o.until.IsZero() && !o.until.After(now) {
		if ended {
			return k.lifted(), nil
		}
		return "", nil
	}
	switch k {
	case rateKind:
		if err := o.rate.UnmarshalText([]byte(d.Rate)); err != nil {
			return "", err
		}
	case concurrencyKind:
		o.concurrency = d.Concurrency
		if o.concurrency < 1 || o.concurrency > config.MaxConcurrency {
			return "", fmt.Errorf("concurrency: %d is not between 1 and 10,000", o.concurrency)
		}
		if err := a.fits(&operated{targets: []string{name}, concurrency: o.concurrency}); err != nil {
			return "", err
		}
	}
	w.set[k] = o
	return o.inWords(k), nil
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// lifts reports whether something is lifted, and not set.
func (o *operated) lifts() bool { return o.action == "resume" || o.reset }

// kinds returns what the operator means.
func (o *operated) kinds() []kind {
	switch {
	case o.action == "pause":
		return []kind{pauseKind}
	case o.action == "resume":
		return []kind{pauseKind, rateKind, concurrencyKind}
	case o.reset:
		return []kind{rateKind, concurrencyKind}
	}
	var list []kind
	if o.rate != nil {
		list = append(list, rateKind)
	}
	if o.concurrency > 0 {
		list = append(list, concurrencyKind)
	}
	return list
}

// override returns what the operator sets of a kind.
func (o *operated) override(k kind, since time.Time) *override {
	one := &override{since: since, until: o.until, by: o.by, from: o.from}
	switch k {
	case rateKind:
		one.rate = *o.rate
	case concurrencyKind:
		one.concurrency = o.concurrency
	}
	return one
}

// inWords says what was set.
func (o *override) inWords(k kind) string {
	switch k {
	case rateKind:
		return "rate " + o.rate.String() + " " + o.lasts()
	case concurrencyKind:
		return "concurrency " + strconv.Itoa(o.concurrency) + " " + o.lasts()
	default:
		return "paused " + o.lasts()
	}
}

// stays says what all replicas still have though this one's was lifted.
func (a *App) stays(name string, which []kind) string {
	var list []string
	for k, o := range a.fleetWide[name].set {
		if o != nil && slices.Contains(which, kind(k)) {
			list = append(list, kind(k).String())
		}
	}
	if list == nil {
		return ""
	}
	return strings.Join(list, " and ") + " for all replicas stays: lift it with --fleet"
}

func byWhom(by string) string {
	if by == "" {
		return ""
	}
	return " by " + by
}
