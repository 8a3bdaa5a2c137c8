package config

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

// onlyTarget is the name of a target that flags or variables alone define.
const onlyTarget = "default"

// Sources are where settings come from.
type Sources struct {
	// Flags are the command line's, and Given the names of those that stood on it,
	// without dashes.
	Flags Flags
	Given []string
	// Environ is os.Environ's list.
	Environ []string
	Checks  Checks
	// Container reports whether the process runs in one: the default of listen depends on it.
	Container bool
	// Memory is the container's memory limit, the default of memory; 0: there is none.
	Memory int64
}

// DefaultListen is the default of listen. Outside of a container only this machine
// reaches the admin port: it asks for no password.
func DefaultListen(container bool) string {
	if container {
		return ":9500"
	}
	return "127.0.0.1:9500"
}

// Load reads the settings from all sources, and says what a person should know of
// variables that it did not understand; the warnings are there beside an error too.
func Load(s Sources) (c Config, warnings []string, err error) {
	environ := readEnviron(s.Environ)
	warnings = environ.unknown()
	if err := s.refuseSecrets(); err != nil {
		return Config{}, warnings, err
	}
	d, err := s.readFile(environ)
	if err != nil {
		return Config{}, warnings, err
	}
	for _, setting := range Settings() {
		if err := d.overlay(setting, s, environ); err != nil {
			return Config{}, warnings, err
		}
	}
	if d.daemon.value.Listen == "" {
		d.daemon.value.Listen = DefaultListen(s.Container)
	}
	if !d.daemon.names.has("memory") {
		d.daemon.value.Memory = Size(s.Memory)
	}
	if err := d.connect(); err != nil {
		return Config{}, warnings, err
	}
	if err := d.validate(s.Checks); err != nil {
		return Config{}, warnings, err
	}
	return d.config(), warnings, nil
}

// readFile reads the file that --config or POLLER_CONFIG names.
func (s Sources) readFile(environ environ) (*draft, error) {
	d := &draft{daemon: newPart[Config](ofDaemon, "")}
	setting := "--config"
	d.file = s.Flags.File
	if !slices.Contains(s.Given, "config") {
		setting = Variable("config")
		d.file = environ[setting]
	} else if d.file == "" {
		return nil, fmt.Errorf("%s: it is empty: give the path of a YAML file", setting)
	}
	if d.file == "" {
		return d, nil
	}
	text, err := os.ReadFile(d.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %s cannot be read (%w): give the path of a YAML file", setting, d.file, withoutPath(err))
	}
	return d, readYAML(d, bytes.TrimPrefix(text, []byte("\ufeff"))) // a byte order mark, as Windows programs write it
}

// overlay puts what a flag or else a variable says of one setting over what the
// file says.
func (d *draft) overlay(setting Setting, s Sources, environ environ) error {
	if setting.Flag == "" || setting.YAML == "" {
		return nil
	}
	from := reflect.ValueOf(s.Flags).FieldByIndex(setting.index)
	name := "--" + setting.Flag
	if !slices.Contains(s.Given, setting.Flag) {
		text, ok := environ[setting.Variable]
		if !ok {
			return nil
		}
		name = setting.Variable
		from = reflect.New(from.Type()).Elem()
		if err := setVariable(from, text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	to, n, err := d.only(setting, name)
	if err != nil {
		return err
	}
	to.FieldByIndex(setting.within()).Set(from)
	n.given[setting.key] = name
	return nil
}

// setVariable is setText for what may be a list: one value a line, or, where values have
// no commas in them, between commas.
func setVariable(v reflect.Value, text string) error {
	if v.Kind() != reflect.Slice {
		return setText(v, text)
	}
	if v.Type().Elem().Kind() != reflect.String {
		text = strings.ReplaceAll(text, ",", "\n")
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			if err := appendText(v, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// only is the one queue or target that a flag or variable can mean, made if there
// is none, or the daemon's own settings.
func (d *draft) only(setting Setting, name string) (reflect.Value, names, error) {
	several := func(n int, what string) error {
		return fmt.Errorf("%s: %s has %d %s, so it is ambiguous: set %s in the file",
			name, d.file, n, what, setting.YAML)
	}
	switch setting.scope {
	case ofQueue:
		if len(d.queues) > 1 {
			return reflect.Value{}, names{}, several(len(d.queues), "queues")
		}
		if len(d.queues) == 0 {
			d.queues = append(d.queues, newPart[Queue](ofQueue, ""))
		}
		return reflect.ValueOf(&d.queues[0].value).Elem(), d.queues[0].names, nil
	case ofTarget:
		if len(d.targets) > 1 {
			return reflect.Value{}, names{}, several(len(d.targets), "targets")
		}
		if len(d.targets) == 0 {
			d.targets = append(d.targets, newPart[Target](ofTarget, ""))
			d.targets[0].name = onlyTarget
		}
		return reflect.ValueOf(&d.targets[0].value).Elem(), d.targets[0].names, nil
	default:
		return reflect.ValueOf(&d.daemon.value).Elem(), d.daemon.names, nil
	}
}

// config is the draft without its names.
func (d *draft) config() Config {
	c := d.daemon.value
	c.Targets = make(map[string]Target, len(d.targets))
	for _, q := range d.queues {
		c.Queues = append(c.Queues, q.value)
	}
	for _, t := range d.targets {
		t.value.fillBurst(c.Fleet)
		c.Targets[t.name] = t.value
	}
	return c
}

// fillBurst sets a burst that was not given: more where a coordinator shares the rate.
func (t *Target) fillBurst(f Fleet) {
	if t.Burst == 0 {
		t.Burst = f.DefaultBurst(t.Rate)
	}
}
