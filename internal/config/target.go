package config

// Target is one downstream that messages are delivered to.
type Target struct {
	URL         string   `yaml:"url" name:"target" placeholder:"URL" group:"Target" help:"Where messages are delivered to: http(s)://…"`
	Concurrency int      `yaml:"concurrency" name:"concurrency" default:"10" placeholder:"N" group:"Target" help:"Deliveries at once, 1 to 10,000."`
	Rate        Rate     `yaml:"rate" name:"rate" default:"none" placeholder:"RATE" group:"Target" help:"Deliveries started: 28/s, 1000/m or 50000/h; a bare number is a second, 0 pauses."`
	Burst       int      `yaml:"burst" name:"burst" placeholder:"N" group:"Target" help:"How many may start at once after a pause; without it 10 ms of the rate, at least 1. A partner that counts each second sees at most rate + burst."`
	Quotas      []Quota  `yaml:"quotas" name:"quota" placeholder:"QUOTA" group:"Target" help:"How many deliveries may start in any window: 1000/m or 50000/d (s, m, h, d); repeated for up to 4 of them. Beside the rate, whichever is less."`
	Timeout     Duration `yaml:"timeout" name:"timeout" default:"30s" placeholder:"DURATION" group:"Target" help:"One delivery, from connect to the answer's end."`
	// Format is raw.
	Format string `yaml:"format" name:"format" default:"raw" placeholder:"FORMAT" group:"Target" help:"How a message becomes a request: raw."`
	// Headers are "Name: value" or "Name: @file".
	Headers []string `yaml:"headers" name:"header" placeholder:"NAME: VALUE" group:"Target" help:"Sent with each delivery; may be repeated. 'Name: @file' reads the value from a file, again when it changes."`
	TLSCA   string   `yaml:"tls_ca" name:"tls-ca" placeholder:"FILE" group:"Target" help:"Certificates in PEM that the target's must be signed by, instead of the system's; read again when the file changes."`
	TLSCert string   `yaml:"tls_cert" name:"tls-cert" placeholder:"FILE" group:"Target" help:"Our own certificate in PEM, for a target that asks for one; read again when the file changes."`
	TLSKey  string   `yaml:"tls_key" name:"tls-key" placeholder:"FILE" group:"Target" help:"The key of --tls-cert, in PEM; read again when the file changes."`
	// OnRejected is retry, dead-letter or discard.
	OnRejected string   `yaml:"on_rejected" name:"on-rejected" default:"retry" placeholder:"POLICY" group:"Target" help:"What becomes of a message that the target rejects: retry (the queue's redrive decides), dead-letter (sent there with the reason) or discard."`
	Backoff    Duration `yaml:"backoff" name:"backoff" default:"1s" placeholder:"DURATION" group:"Target" help:"Delay of a failed message's release: doubles by its receive count."`
	BackoffMax Duration `yaml:"backoff_max" name:"backoff-max" default:"15m" placeholder:"DURATION" group:"Target" help:"The longest such delay."`
}
