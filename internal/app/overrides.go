package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
)

// kind is what an operator overrides.
type kind uint8

const (
	pauseKind kind = iota
	rateKind
	concurrencyKind

	kinds
)

func (k kind) String() string { return [kinds]string{"pause", "rate", "concurrency"}[k] }

// lifted says that the override of a kind is no more.
func (k kind) lifted() string {
	return [kinds]string{"pause lifted", "rate override lifted", "concurrency override lifted"}[k]
}

// override is one pause or limit that an operator has set for a target.
type override struct {
	since, until time.Time // until is zero if it lasts until it is lifted
	by, from     string
	// rate and concurrency are, like the settings, the budget of all replicas.
	rate        config.Rate
	concurrency int
	fleet       bool // it is all replicas'
}

func (o *override) value(k kind) string {
	switch k {
	case rateKind:
		return o.rate.String()
	case concurrencyKind:
		return strconv.Itoa(o.concurrency)
	default:
		return ""
	}
}

// lasts says for how long, as part of a sentence.
func (o *override) lasts() string {
	if o.until.IsZero() {
		return "until resume"
	}
	return "until " + o.until.UTC().Format(time.TimeOnly) + " UTC"
}

// overrides are an operator's, of one target, by kind; nil where there is none.
type overrides [kinds]*override

// on returns the target with the limits that an operator has set. A rate comes with the
// burst that it has by default.
func (o *overrides) on(t config.Target, f config.Fleet) config.Target {
	if r := o[rateKind]; r != nil {
		t.Rate, t.Burst = r.rate, f.DefaultBurst(r.rate)
	}
	if c := o[concurrencyKind]; c != nil {
		t.Concurrency = c.concurrency
	}
	return t
}

// paused returns the target with a rate of 0, if an operator has paused it.
func (o *overrides) paused(t config.Target) config.Target {
	if o[pauseKind] != nil {
		t.Rate = config.Rate{Limited: true}
	}
	return t
}

const (
	longestOverride = 30 * 24 * time.Hour
	longestBy       = 64
)

// operated is what an operator asks for, read.
type operated struct {
	action      string
	targets     []string
	rate        *config.Rate
	concurrency int
	until       time.Time
	lasts       time.Duration // 0: until it is lifted
	by, from    string
	reset       bool // of a pace: it is lifted
	fleet       bool // all replicas are meant
}

// fleetLimit bounds a change of all replicas, which asks their coordinator.
const fleetLimit = 4 * time.Second

// Operate carries out an operator's change at once and returns, in words, what it changed.
func (a *App) Operate(ctx context.Context, now time.Time, c admin.Change) ([]string, error) {
	o, err := a.read(now, c)
	if err != nil {
		return nil, err
	}
	a.reload.Lock()
	err = a.fits(o)
	a.reload.Unlock()
	switch {
	case err != nil:
		return nil, err
	case o.fleet:
		ctx, cancel := context.WithTimeout(ctx, fleetLimit)
		defer cancel()
		return a.operateFleet(ctx, o)
	}
	a.reload.Lock()
	defer a.reload.Unlock()
	var changed []string
	for _, name := range o.targets {
		changed = append(changed, a.operate(now, name, o))
	}
	a.log.InfoContext(ctx, "an operator changed the pace", slog.String("action", o.action), slog.String("changed", strings.Join(changed, "; ")),
		slog.Duration("for", o.lasts), slog.String("by", o.by), slog.String("from", o.from))
	a.wakeOverrides()
	return changed, nil
}

// wakeOverrides has watchOverrides look again.
func (a *App) wakeOverrides() {
	select {
	case a.overridden <- struct{}{}:
	default:
	}
}

// read checks what does not depend on the settings in force.
func (a *App) read(now time.Time, c admin.Change) (*operated, error) {
	o := &operated{action: c.Action, targets: a.names(), by: c.By, from: c.From, reset: c.Reset, fleet: c.Fleet}
	if c.Fleet && !a.config.Fleet.Shared() {
		return nil, errNoCoordinator
	}
	if c.Target != "" {
		if !slices.Contains(o.targets, c.Target) {
			return nil, fmt.Errorf("there is no target %q: use %s", c.Target, strings.Join(o.targets, " or "))
		}
		o.targets = []string{c.Target}
	}
	if utf8.RuneCountInString(c.By) > longestBy || strings.ContainsFunc(c.By, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return nil, fmt.Errorf("by: use a name of at most %d characters, on one line", longestBy)
	}
	if err := o.readFor(now, c); err != nil {
		return nil, err
	}
	return o, o.readPace(c)
}

func (o *operated) readFor(now time.Time, c admin.Change) error {
	if c.For == "" {
		return nil
	}
	var lasts config.Duration
	if err := lasts.UnmarshalText([]byte(c.For)); err != nil {
		return fmt.Errorf("for: %w", err)
	}
	switch {
	case lasts <= 0:
		return fmt.Errorf("for: %s would end at once: use a duration such as 30m, or omit it to last until resume", lasts)
	case time.Duration(lasts) > longestOverride:
		return fmt.Errorf("for: %s is longer than 720h: use a shorter duration, or omit it to last until resume", lasts)
	}
	if o.lifts() {
		return fmt.Errorf("for: %s has no end: omit it", map[bool]string{false: "resume", true: "reset"}[o.reset])
	}
	o.lasts = time.Duration(lasts)
	o.until = now.Add(o.lasts)
	return nil
}

func (o *operated) readPace(c admin.Change) error {
	switch {
	case c.Action != "pace" && (c.Rate != "" || c.Concurrency != nil):
		return fmt.Errorf("%s takes neither rate nor concurrency: use pace", c.Action)
	case c.Action != "pace" && c.Reset:
		return fmt.Errorf("%s takes no reset: use pace", c.Action)
	case c.Reset && (c.Rate != "" || c.Concurrency != nil):
		return errors.New("reset lifts the pace: omit rate and concurrency, or omit reset")
	case c.Action != "pace", c.Reset:
		return nil
	case c.Rate == "" && c.Concurrency == nil:
		return errors.New("pace needs a rate, a concurrency or both, such as 10/s and 4")
	case len(o.targets) > 1:
		return fmt.Errorf("pace needs the target that is meant: use %s", strings.Join(o.targets, " or "))
	case c.Concurrency != nil && (*c.Concurrency < 1 || *c.Concurrency > config.MaxConcurrency):
		return fmt.Errorf("concurrency: %d is not between 1 and 10,000: use the number of concurrent deliveries, such as 4", *c.Concurrency)
	}
	if c.Concurrency != nil {
		o.concurrency = *c.Concurrency
	}
	if c.Rate == "" {
		return nil
	}
	o.rate = new(config.Rate)
	if err := o.rate.UnmarshalText([]byte(c.Rate)); err != nil {
		return fmt.Errorf("rate: %w", err)
	}
	if o.rate.Limited && o.rate.PerSecond == 0 {
		return errors.New("rate: 0 would pause: use poller pause, which says so on the page")
	}
	return nil
}

// fits refuses a concurrency that the replicas cannot share or for which the process may
// not open enough files.
func (a *App) fits(o *operated) error {
	if o.rate != nil && a.loaded.Fleet.TooSlow(*o.rate) {
		return fmt.Errorf("rate: %s is less than the 1/m that the fleet's coordinator can share: write more, or use poller pause", o.rate)
	}
	if o.concurrency == 0 {
		return nil
	}
	if n := a.loaded.Fleet.Replicas; o.concurrency < n && !a.loaded.Fleet.Shared() {
		return fmt.Errorf("concurrency: %d is less than one concurrent delivery for each of %d replicas (fleet.replicas): use %[2]d or more",
			o.concurrency, n)
	}
	c := a.loaded
	c.Targets = make(map[string]config.Target, len(a.loaded.Targets))
	for name, t := range a.loaded.Targets {
		if t = a.inForce(name).on(t, a.loaded.Fleet); slices.Contains(o.targets, name) {
			t.Concurrency = o.concurrency
		}
		c.Targets[name] = t
	}
	return CheckFiles(c, a.files)
}

// operate changes one target.
func (a *App) operate(now time.Time, name string, o *operated) string {
	set := a.overrides[name]
	var said []string
	for _, k := range o.kinds() {
		switch old := set[k]; {
		case !o.lifts():
			set[k] = o.override(k, now)
			said = append(said, set[k].inWords(k))
		case old != nil:
			set[k] = nil
			said = append(said, k.lifted())
		}
	}
	if said == nil {
		said = []string{"nothing was overridden"}
	}
	if o.lifts() {
		if more := a.stays(name, o.kinds()); more != "" {
			said = append(said, more)
		}
	}
	a.putInForce(now, name)
	text := "target " + name + ": " + strings.Join(said, ", ") + "; in force here: " + inWords(a.limitsInForce(name)) + a.stillPaused(name, o)
	a.note(now, "override", name, strings.Join(said, ", ")+byWhom(o.by)+" from "+o.from)
	return text
}

// stillPaused says that a pace changes nothing yet, because its target is paused.
func (a *App) stillPaused(name string, o *operated) string {
	p := a.inForce(name)[pauseKind]
	switch {
	case o.action != "pace" || p == nil:
		return ""
	case o.reset:
		return "; still paused " + p.lasts()
	case p.until.IsZero() && (p.fleet || !o.fleet):
		return "; still paused until resume, which lifts this, too: resume first, then set the pace"
	default:
		return "; still paused " + p.lasts() + ", and this applies after that"
	}
}

// putInForce sets the pace of a target to the settings and what an operator overrides.
func (a *App) putInForce(now time.Time, name string) {
	a.targets[name].pace.Set(now, a.limitsInForce(name))
	if f := a.targets[name].fleet; f != nil {
		f.Set(a.budgetInForce(name))
	}
}

// watchOverrides ends each override when its time is over, until ctx is done.
func (a *App) watchOverrides(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Stop()
		if next := a.endOverrides(time.Now()); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case <-a.overridden:
		case <-timer.C:
		}
	}
}

// endOverrides lifts what is over and returns when the next one is.
func (a *App) endOverrides(now time.Time) time.Time {
	a.reload.Lock()
	defer a.reload.Unlock()
	var next time.Time
	for _, name := range a.names() {
		ended := false
		for _, set := range []*overrides{a.overrides[name], &a.fleetWide[name].set} {
			for k, o := range set {
				switch {
				case o == nil || o.until.IsZero():
				case o.until.After(now):
					if next.IsZero() || o.until.Before(next) {
						next = o.until
					}
				default:
					set[k] = nil
					ended = true
					a.sayOver(now, name, kind(k), o)
				}
			}
		}
		if ended {
			a.putInForce(now, name)
		}
	}
	return next
}

// sayOver says that an override's time is over.
func (a *App) sayOver(now time.Time, name string, k kind, o *override) {
	whose := ""
	if o.fleet {
		whose = " for all replicas"
	}
	a.note(now, "override", name, k.String()+whose+" is over")
	a.log.Info("an operator's override is over", slog.String("target", name), slog.String("kind", k.String()),
		slog.Duration("after", o.until.Sub(o.since)), slog.String("by", o.by), slog.Bool("fleet", o.fleet))
}

// overridesOf returns a target's overrides for the status.
func (a *App) overridesOf(name string) []admin.Override {
	list := []admin.Override{}
	for k, o := range a.inForce(name) {
		if o == nil {
			continue
		}
		one := admin.Override{Kind: kind(k).String(), Value: o.value(kind(k)), Since: inJSON(o.since), By: o.by, From: o.from, Fleet: o.fleet}
		if !o.until.IsZero() {
			until := inJSON(o.until)
			one.Until = &until
		}
		list = append(list, one)
	}
	return list
}

// eventsKept is how many events the status has.
const eventsKept = 50

// note records an event for the page.
func (a *App) note(now time.Time, kind, target, text string) {
	a.events = slices.Insert(a.events, 0, admin.Event{At: inJSON(now), Kind: kind, Target: target, Text: text})
	a.events = a.events[:min(len(a.events), eventsKept)]
}
