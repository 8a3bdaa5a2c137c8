package config

// Queue is one SQS queue that is received from.
type Queue struct {
	// Queue is its URL, ARN or name.
	Queue string `yaml:"queue" name:"queue" bare:"" placeholder:"QUEUE" group:"Queue" help:"The queue: its URL, ARN or name."`
	// Target is a name in Config.Targets.
	Target string `yaml:"target" help:"Name of the target that the queue's messages go to; optional if there is only one target."`
	// VisibilityTimeout is in whole seconds; 0: the queue's own.
	VisibilityTimeout Duration `yaml:"visibility_timeout" name:"visibility-timeout" placeholder:"DURATION" group:"Queue" help:"Visibility timeout requested with each receive, 1s to 12h. Default: the queue's own."`
	Gather            Duration `yaml:"gather" name:"gather" default:"20ms" placeholder:"DURATION" group:"Queue" help:"Minimum time between receives that return fewer than 10 messages: trades latency for cost."`
	// WaitTime is in whole seconds, as SQS's WaitTimeSeconds.
	WaitTime Duration `yaml:"wait_time" name:"wait-time" default:"20s" placeholder:"DURATION" group:"Queue" help:"How long a receive waits for a message, 1s to 20s: less than what a proxy in between allows."`
	Weight   int      `yaml:"weight" name:"weight" default:"1" placeholder:"N" group:"Queue" help:"Share of the target's pace while several of its queues have work, 1 to 1,000."`
	// FIFOStrict means nothing on a standard queue.
	FIFOStrict bool `yaml:"fifo_strict" name:"fifo-strict" group:"Queue" help:"On a FIFO queue, start the next message of a group once the previous one is deleted, not once it is delivered."`
}
