package app

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"time"

	"poller/internal/config"
	"poller/internal/ratelimit"
)

// Reload takes what may change while the daemon runs from c: the pace of each
// target, the replicas that share it, and the log level. It says in words what it changed, and what else is
// different and needs a restart.
func (a *App) Reload(c config.Config) (changed, restart []string) {
	a.reload.Lock()
	defer a.reload.Unlock()
	for _, name := range a.names() {
		old := a.loaded.Targets[name]
		t, ok := c.Targets[name]
		if !ok {
			restart = append(restart, "targets."+name+" (it is gone)")
			continue
		}
		if before, after := limitsOf(a.loaded.Fleet.Share(old)), limitsOf(c.Fleet.Share(t)); before != after {
			// More connections than at the start are not kept: the docs say so.
			a.targets[name].pace.Set(time.Now(), after)
			changed = append(changed, fmt.Sprintf("targets.%s: %s, was %s", name, inWords(after), inWords(before)))
		}
		old.Concurrency, old.Rate, old.Burst = t.Concurrency, t.Rate, t.Burst
		a.loaded.Targets[name] = old
		restart = append(restart, different("targets."+name+".", old, t)...)
	}
	for name := range c.Targets {
		if _, ok := a.targets[name]; !ok {
			restart = append(restart, "targets."+name+" (it is new)")
		}
	}
	if was, is := a.loaded.Fleet.Replicas, c.Fleet.Replicas; was != is {
		changed = append(changed, fmt.Sprintf("fleet.replicas: %d, was %d", is, was))
	}
	a.loaded.Fleet = c.Fleet
	if was, is := a.loaded.Log.Level, c.Log.Level; was != is && a.level != nil {
		a.level.Set(slog.Level(is))
		changed = append(changed, fmt.Sprintf("log.level: %v, was %v", is, was))
	}
	a.loaded.Log.Level = c.Log.Level
	if !reflect.DeepEqual(a.loaded.Queues, c.Queues) {
		restart = append(restart, "queues")
	}
	before, after := a.loaded, c
	before.Queues, before.Targets, after.Queues, after.Targets = nil, nil, nil, nil
	return changed, append(restart, different("", before, after)...)
}

func inWords(l ratelimit.Limits) string {
	rate := "no rate"
	if l.Limited {
		rate = fmt.Sprintf("rate %.6g/s, burst %d", l.Rate, l.Burst)
	}
	return fmt.Sprintf("%s, concurrency %d", rate, l.Concurrency)
}

// different names the settings that differ between two structs of one type, by
// their YAML keys. Values are not named: they may be secrets.
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

// place is scheme and host of a target's URL: what may be shown of it.
func place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
