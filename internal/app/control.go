package app

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
)

// control returns the control API, or nil without a control token.
func (a *App) control() (*admin.Control, error) {
	if a.config.ControlToken == "" {
		return nil, nil //nolint:nilnil // the port is read-only
	}
	a.token = &controlToken{setting: a.config.ControlToken}
	if _, err := a.token.get(); err != nil {
		return nil, fmt.Errorf("--control-token: %w", err)
	}
	return &admin.Control{Token: a.token.get, Apply: a.Operate}, nil
}

// controlToken is the token that a setting says, or that is in the file that it names.
// The file is read again when it changes.
type controlToken struct {
	setting string

	mu    sync.Mutex // guards what follows
	seen  os.FileInfo
	value string
}

// get returns the token. If the file cannot be read, no token is right.
func (t *controlToken) get() (string, error) {
	file, isFile := strings.CutPrefix(t.setting, "@")
	if !isFile {
		return t.setting, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := os.Stat(file)
	if err == nil && t.seen != nil && os.SameFile(info, t.seen) && info.Size() == t.seen.Size() && info.ModTime().Equal(t.seen.ModTime()) {
		return t.value, nil
	}
	value, err := config.ReadControlToken(t.setting)
	if err != nil {
		t.seen, t.value = nil, ""
		return "", err
	}
	t.seen, t.value = info, value
	return value, nil
}

// registerOverrides registers poller_override.
func (a *App) registerOverrides() error {
	if err := a.metrics.Register(overrideCollector{a}); err != nil {
		return fmt.Errorf("register the overrides' metric: %w", err)
	}
	return nil
}

// overrideCollector reads the overrides at each scrape.
type overrideCollector struct{ app *App }

var overrideDesc = prometheus.NewDesc("poller_override",
	"1 while an operator's pause, rate or concurrency is in force, else 0.", []string{"target", "kind"}, nil)

var fleetOverrideDesc = prometheus.NewDesc("poller_fleet_override",
	"1 while a pause, rate or concurrency that an operator has set for all replicas is known to this one, else 0.", []string{"target", "kind"}, nil)

// Describe implements prometheus.Collector.
func (overrideCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- overrideDesc
	descs <- fleetOverrideDesc
}

// Collect implements prometheus.Collector.
func (c overrideCollector) Collect(metrics chan<- prometheus.Metric) {
	c.app.reload.Lock()
	defer c.app.reload.Unlock()
	export := func(desc *prometheus.Desc, name string, all *overrides) {
		for k, o := range all {
			value := 0.0
			if o != nil {
				value = 1
			}
			metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, name, kind(k).String())
		}
	}
	for name, room := range c.app.targets {
		export(overrideDesc, name, c.app.inForce(name))
		if room.fleet != nil {
			export(fleetOverrideDesc, name, &c.app.fleetWide[name].set)
		}
	}
}
