package app

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/fleet"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// Reload applies those settings of c that can change while the daemon runs: the pace of
// each target, the number of replicas that share it, and the log level. It returns, in
// words, what it changed and which other differences need a restart.
func (a *App) Reload(c config.Config) (changed, restart []string) {
	a.reload.Lock()
	defer a.reload.Unlock()
	now := time.Now()
	var paced []string // targets whose settings of the pace have changed
	for _, name := range a.names() {
		old := a.loaded.Targets[name]
		t, ok := c.Targets[name]
		if !ok {
			restart = append(restart, "targets."+name+" (removed)")
			continue
		}
		if before, after := limitsOf(a.loaded.Fleet.Share(old)), limitsOf(c.Fleet.Share(t)); before != after {
			// The number of idle connections stays that of the start, as documented.
			paced = append(paced, name)
			changed = append(changed, fmt.Sprintf("targets.%s: %s, was %s%s", name, inWords(after), inWords(before), a.despite(name)))
		}
		old.Concurrency, old.Rate, old.Burst, old.Quotas, old.FollowLimits, old.Adaptive = t.Concurrency, t.Rate, t.Burst, t.Quotas, t.FollowLimits, t.Adaptive
		a.loaded.Targets[name] = old
		restart = append(restart, different("targets."+name+".", old, t)...)
	}
	for name := range c.Targets {
		if _, ok := a.targets[name]; !ok {
			restart = append(restart, "targets."+name+" (added)")
		}
	}
	if was, is := a.loaded.Fleet.Replicas, c.Fleet.Replicas; was != is {
		changed = append(changed, fmt.Sprintf("fleet.replicas: %d, was %d", is, was))
	}
	if was, is := a.loaded.Fleet, c.Fleet; was.Redis != is.Redis || was.Name != is.Name {
		restart = append(restart, "fleet")
		c.Fleet.Redis, c.Fleet.Name = was.Redis, was.Name
	}
	a.loaded.Fleet = c.Fleet
	for _, name := range a.names() {
		if f := a.targets[name].fleet; f != nil {
			f.Set(a.budgetInForce(name))
		}
	}
	if was, is := a.loaded.Log.Level, c.Log.Level; was != is && a.level != nil {
		a.level.Set(slog.Level(is))
		changed = append(changed, fmt.Sprintf("log.level: %v, was %v", is, was))
	}
	a.loaded.Log.Level = c.Log.Level
	for _, name := range paced {
		a.putInForce(now, name)
	}
	if len(changed) > 0 {
		a.note(now, "reload", "", "settings read again: "+strings.Join(changed, "; "))
	}
	if !reflect.DeepEqual(a.loaded.Queues, c.Queues) {
		restart = append(restart, "queues")
	}
	before, after := a.loaded, c
	before.Queues, before.Targets, after.Queues, after.Targets = nil, nil, nil, nil
	return changed, append(restart, different("", before, after)...)
}

// despite says what an operator overrides of a target's settings.
func (a *App) despite(name string) string {
	var list []string
	for k, o := range a.inForce(name) {
		if o != nil {
			list = append(list, kind(k).String()+" "+o.lasts())
		}
	}
	if list == nil {
		return ""
	}
	return " (an operator's override goes first: " + strings.Join(list, ", ") + ")"
}

// limitsInForce returns the limits of a target: the settings' with what an operator
// overrides, this replica's share of them.
func (a *App) limitsInForce(name string) ratelimit.Limits {
	o := a.inForce(name)
	return a.own(limitsOf(o.paused(a.loaded.Fleet.Share(o.on(a.loaded.Targets[name], a.loaded.Fleet)))))
}

// budgetInForce returns what all replicas share of a target, with what an operator has set.
// A pause is none of the budget: of a replica that is paused alone the others take the part.
func (a *App) budgetInForce(name string) fleet.Budget {
	return budgetOf(a.loaded.Fleet, a.inForce(name).on(a.loaded.Targets[name], a.loaded.Fleet))
}

func inWords(l ratelimit.Limits) string {
	rate := "no rate"
	if l.Limited {
		rate = fmt.Sprintf("rate %.6g/s, burst %d", l.Rate, l.Burst)
	}
	for _, q := range l.Quotas {
		if q.N > 0 {
			rate += ", quota " + q.String()
		}
	}
	ignored := ""
	if !l.Follow {
		ignored = ", what the target says of its limits ignored"
	}
	found := ""
	if l.Adaptive {
		found = "found between 1 and "
	}
	return fmt.Sprintf("%s, concurrency %s%d%s", rate, found, l.Concurrency, ignored)
}

// different returns the YAML keys of the settings that differ between two structs of one
// type. It does not return values, which may be secrets.
func different(prefix string, before, after any) []string {
	var names []string
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		field := b.Type().Field(i)
		key := field.Tag.Get("yaml")
		if key == "" || reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			continue
		}
		names = append(names, prefix+key)
	}
	return names
}

// place returns the scheme and host of a target's URL, which may be shown.
func place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
