package config

// Flags are the daemon's settings as a command line takes them, to be embedded in
// a verb: one queue and one target. The yaml tags of Queue and Target here say
// where their keys are in the file.
type Flags struct {
	File   string `yaml:"-" name:"config" placeholder:"FILE" help:"A YAML file of settings."`
	Queue  Queue  `yaml:"queues[]" embed:""`
	Target Target `yaml:"targets.NAME" embed:""`
	Config Config `yaml:"" embed:""`
}
