package config

// Config is everything the daemon is told. Its fields' tags define the settings
// that belong to neither a queue nor a target.
type Config struct {
	// Queues has one queue or more.
	Queues []Queue `yaml:"queues"`
	// Targets has every target that a queue names, by its name.
	Targets map[string]Target `yaml:"targets"`

	Fleet Fleet `yaml:"fleet" embed:"" prefix:"fleet-" group:"Daemon"`

	DrainTimeout Duration `yaml:"drain_timeout" name:"drain-timeout" default:"25s" placeholder:"DURATION" group:"Daemon" help:"Time from the stop signal until unfinished messages are released."`
	Listen       string   `yaml:"listen" name:"listen" placeholder:"HOST:PORT" group:"Daemon" help:"Address of metrics, health and status page. Default: 127.0.0.1:9500; in a container :9500, that is, every address."`
	// TraceParent decides how spans belong together, if there are any.
	TraceParent bool `yaml:"trace_parent" name:"trace-parent" group:"Daemon" help:"Make the span of a delivery a child of the span that sent the message. Default: linked to it. Tracing itself is set up by OpenTelemetry's variables."`
	// Dashboard is linked from the status page.
	Dashboard string `yaml:"dashboard" name:"dashboard" placeholder:"URL" group:"Daemon" help:"Link on the status page to your dashboards, which show more than the last 15 minutes."`
	Memory    Size   `yaml:"memory" name:"memory" placeholder:"SIZE" group:"Daemon" help:"Memory that the process stays within, such as 256MiB: it receives no more than fits. Default: the container's limit, if there is one."`
	// ControlToken is the token, or @ and the file that it is in.
	ControlToken string `yaml:"control_token" name:"control-token" placeholder:"@FILE" group:"Daemon" help:"Token that allows pausing and changing the pace on the admin port: @FILE, read again when it changes. Default: the port is read-only."`
	Log          Log    `yaml:"log" embed:"" prefix:"log-" group:"Daemon"`
}

// Log says what is logged, and how.
type Log struct {
	Level Level `yaml:"level" name:"level" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	// Format is auto, text or json.
	Format string `yaml:"format" name:"format" default:"auto" placeholder:"FORMAT" help:"text, json, or auto: text on a terminal, otherwise JSON."`
}
