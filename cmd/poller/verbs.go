package main

// verb is one thing that poller does. The flags are its fields, by their tags: see
// internal/flags.
type verb interface {
	// Help starts with an example.
	Help() string
	// Run does it. An error that is not an exit ends the process with 1.
	Run(p *process) error
}

// entry is a verb in the list of them.
type entry struct {
	name, summary string
	new           func() verb
}

// verbs are all there are, in the order of the help.
func verbs() []entry {
	return []entry{
		{"run", "Deliver a queue's messages to a target, at the target's pace: the daemon.", func() verb { return new(runCmd) }},
		{"drain", "Deliver until the queue is empty, then exit: for schedules.", func() verb { return new(drainCmd) }},
		{"demo", "See everything work on this machine, without AWS or a network.", func() verb { return new(demoCmd) }},
		{"check", "Check the settings against the real queue and target, and say what to change.", func() verb { return new(checkCmd) }},
		{"send", "Put messages on a queue.", func() verb { return new(sendCmd) }},
		{"peek", "Show the messages in a queue without removing them.", func() verb { return new(peekCmd) }},
		{"redrive", "Move messages from a dead-letter queue back, at a rate, all or some.", func() verb { return new(redriveCmd) }},
		{"sink", "A downstream to practise on.", func() verb { return new(sinkCmd) }},
		{"localsqs", "An in-memory SQS server, for trying things out and for tests.", func() verb { return new(localsqsCmd) }},
		{"pause", "Pause the daemon on this machine, for a time or until resume.", func() verb { return new(pauseCmd) }},
		{"resume", "Undo pause and pace.", func() verb { return new(resumeCmd) }},
		{"pace", "Change the daemon's rate and concurrency, for a time or until resume.", func() verb { return new(paceCmd) }},
		{"held", "List the messages that the daemon holds after failed deliveries.", func() verb { return new(heldCmd) }},
		{"health", "Ask the daemon on this machine whether it is healthy.", func() verb { return new(healthCmd) }},
		{"version", "Print the version, the commit and Go's version.", func() verb { return new(versionCmd) }},
	}
}
