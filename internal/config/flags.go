package config

import "strings"

// Flags are the daemon's settings as a command line takes them, to be embedded in
// a verb: one queue and one target. The yaml tags of Queue and Target here say
// where their keys are in the file.
type Flags struct {
	File   string `yaml:"-" name:"config" placeholder:"FILE" help:"A YAML file with settings."`
	Queue  Queue  `yaml:"queues[]" embed:""`
	Target Target `yaml:"targets.NAME" embed:""`
	Config Config `yaml:"" embed:""`
}

// Variable is the name of a flag's variable: POLLER_ and the flag in capitals.
func Variable(flag string) string {
	return "POLLER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
