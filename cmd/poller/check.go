package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/queue"
)

const (
	codeWarnings = 2
	// checkTimeout is how long all of it may take.
	checkTimeout = time.Minute
)

// checkCmd is `poller check`.
type checkCmd struct {
	settings `embed:""`

	JSON   bool `name:"json" help:"Print the findings as JSON."`
	Strict bool `name:"strict" help:"Exit with 2 if there are only warnings."`
}

// Help shows an example first.
func (c *checkCmd) Help() string {
	return `Example:
  poller check --queue orders --target http://localhost:8080/orders
  poller check --config poller.yaml --strict --json

Checks the settings of poller run, the real queue and its dead-letter queue, every
permission, and whether the target accepts connections. Each finding names the
setting, queue attribute or IAM action to change. It receives no messages and sends
no requests to the target.

Exit codes: 0 if there are no errors, 1 if there are any, 2 with --strict if there
are only warnings.`
}

// Run checks, prints, and returns the exit code.
func (c *checkCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.drain, checkTimeout)
	defer cancel()
	found := c.look(ctx, p.files)
	if p.drain.Err() != nil {
		return exit{code: codeSecondBreak}
	}
	show := found.print
	if c.JSON {
		show = found.printJSON
	}
	if err := show(p.stdout); err != nil {
		return err
	}
	switch {
	case found.count(wrong) > 0:
		return exit{code: codeFailed}
	case c.Strict && found.count(warning) > 0:
		return exit{code: codeWarnings}
	}
	return nil
}

// look looks at the settings, and if they are right at all that they name.
func (c *checkCmd) look(ctx context.Context, files int) findings {
	var f findings
	settings, warnings, err := c.load()
	for _, text := range warnings {
		f.add(warning, "settings", "", "%s", text)
	}
	if err != nil {
		for _, one := range each(err) {
			f.add(wrong, "settings", "", "%v", one)
		}
		return f
	}
	f = append(f, judgeSettings(settings, files)...)
	f = append(f, lookAtQueues(ctx, settings)...)
	for _, name := range slices.Sorted(maps.Keys(settings.Targets)) {
		f = append(f, lookAtTarget(ctx, name, settings.Targets[name], http.ProxyFromEnvironment)...)
		if settings.Fleet.Shared() {
			f = append(f, lookAtFleet(ctx, settings, name)...)
		}
	}
	return f
}

func lookAtQueues(ctx context.Context, settings config.Config) findings {
	var f findings
	client, err := queue.NewClient(ctx, queue.Options{UserAgent: "poller/" + build().Version})
	if err != nil {
		f.add(wrong, "aws", "", "%v", err)
		return f
	}
	defer client.Close()
	if err := client.Credentials(ctx); err != nil {
		f.add(wrong, "aws", "", "%v", err)
		return f
	}
	f.add(fine, "aws", "", "credentials found; region %s, requests go to %s", client.Region(), client.Endpoint())
	for _, q := range settings.Queues {
		t := settings.Targets[q.Target]
		f = append(f, judgeQueue(q, t, factsOf(ctx, client, q, t))...)
	}
	for _, name := range slices.Sorted(maps.Keys(settings.Targets)) {
		judgeSigning(&f, name, settings.Targets[name], client.Region())
	}
	return f
}

// queueFacts are what SQS says of a queue.
type queueFacts struct {
	name string
	// refused is why the daemon would not start with it, or not yet.
	refused error
	// reached reports whether SQS could be asked for what follows.
	reached     bool
	permissions []queue.Permission
	attributes  queue.Attributes
	// unread is why the attributes are not known.
	unread error
	// dead is the dead-letter queue's, where the queue has one.
	dead     queue.Attributes
	deadName string
	// deadUnread is why they are not known.
	deadUnread error
}

// factsOf opens the queue as the daemon does, and asks SQS all that it is judged by.
// No message is received.
func factsOf(ctx context.Context, client *queue.Client, c config.Queue, t config.Target) queueFacts {
	facts := queueFacts{name: lastPart(c.Queue)}
	var q *queue.Queue
	q, facts.attributes, facts.unread, facts.refused = app.OpenQueue(ctx, client, c, t)
	if facts.reached = q != nil; !facts.reached {
		return facts
	}
	facts.name, facts.permissions = q.Name(), q.Permissions(ctx)
	if arn := facts.attributes.DeadLetterQueueARN; arn != "" {
		facts.deadName = lastPart(arn)
		var dead *queue.Queue
		if dead, facts.deadUnread = client.OpenNamed(ctx, arn); facts.deadUnread == nil {
			facts.dead, facts.deadUnread = dead.Attributes(ctx)
		}
	}
	return facts
}

// lastPart is the name in a queue's URL, ARN or name.
func lastPart(ref string) string { return ref[strings.LastIndexAny(ref, "/:")+1:] }
