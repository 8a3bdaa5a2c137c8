package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

const (
	// visibilityMargin is how much longer than a delivery a message should be hidden.
	visibilityMargin = 10 * time.Second
	// fewReceives loses messages to restarts; enoughReceives is recommended.
	fewReceives    = 3
	enoughReceives = 5
	// usualGrace is what ECS and Kubernetes grant if they are told nothing, and
	// graceMargin what the process needs in addition to the drain.
	usualGrace  = 30 * time.Second
	graceMargin = 5 * time.Second
	// mostGrace is what Fargate grants at most.
	mostGrace      = 120 * time.Second
	shortRetention = 24 * time.Hour
)

// judgeSettings looks at what depends on no queue.
func judgeSettings(c config.Config, files int) findings {
	var f findings
	drain := time.Duration(c.DrainTimeout)
	grace := config.Duration(drain + graceMargin)
	switch {
	case drain+graceMargin <= usualGrace:
		f.add(fine, "settings", "", "valid; a drain of %s fits into the 30s that ECS and Kubernetes grant", c.DrainTimeout)
	case drain+graceMargin <= mostGrace:
		f.add(warning, "settings", "--drain-timeout, or terminationGracePeriodSeconds (Kubernetes) or stopTimeout (ECS)",
			"a drain of %s needs a grace period of %s, and ECS and Kubernetes grant 30s unless told otherwise", c.DrainTimeout, grace)
	default:
		f.add(warning, "settings", "--drain-timeout, or terminationGracePeriodSeconds (Kubernetes)",
			"a drain of %s needs a grace period of %s, and ECS on Fargate grants 120s at most", c.DrainTimeout, grace)
	}
	switch err := app.CheckFiles(c, files); {
	case err != nil:
		f.add(wrong, "settings", "", "%v", err)
	case files == 0:
		f.add(fine, "settings", "", "the number of open files is not limited")
	default:
		f.add(fine, "settings", "", "the limit of %d open files is enough", files)
	}
	judgeMemory(&f, app.PlanMemory(c))
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		judgeQuotas(&f, name, c.Targets[name], c.Fleet.Shared())
		judgeAdaptive(&f, name, c.Targets[name])
		judgeFormat(&f, name, c.Targets[name], c.Fleet)
	}
	if c.Fleet.Replicas > 1 && !c.Fleet.Shared() {
		for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
			judgeShare(&f, name, c.Fleet, c.Targets[name])
		}
	}
	return f
}

// judgeMemory says how many messages fit into the memory.
func judgeMemory(f *findings, plan app.MemoryPlan) {
	inMiB := func(bytes int64) string { return fmt.Sprintf("%.4g MiB", float64(bytes)/(1<<20)) }
	const small, large = 200 + 2<<10, 1<<20 + 2<<10 // a message's body and what else it takes
	fit := fmt.Sprintf("%s for messages in hand: about %d of 200 bytes, or %d of 1 MiB", inMiB(plan.Messages), plan.Messages/small, plan.Messages/large)
	switch {
	case plan.Limit == 0:
		f.add(fine, "settings", "", "no memory limit is known, so there are %s; --memory sets one", fit)
	case plan.Tight:
		f.add(warning, "settings", "--memory or --concurrency",
			"a memory of %s leaves less than %s for messages: the program takes 16 MiB, and slots and queues %s; it may be killed for using more",
			config.Size(plan.Limit), inMiB(plan.Messages), inMiB(plan.Base))
	default:
		f.add(fine, "settings", "", "a memory of %s leaves %s", config.Size(plan.Limit), fit)
	}
}

// judgeShare says what one replica takes of a target's budget, and what all of them
// leave unused of it.
func judgeShare(f *findings, name string, fleet config.Fleet, whole config.Target) {
	share := fleet.Share(whole)
	rate := "no rate"
	if whole.Rate.Limited {
		rate = fmt.Sprintf("%s of the rate %s, with a burst of %d", share.Rate, whole.Rate, share.Burst)
	}
	for i, q := range share.Quotas {
		rate += fmt.Sprintf(", %d of the quota of %s", q.N, whole.Quotas[i])
	}
	f.add(fine, "target "+name, "", "each of the %d replicas takes %s, and %d of the %d concurrent deliveries: %d in total",
		fleet.Replicas, rate, share.Concurrency, whole.Concurrency, fleet.Replicas*share.Concurrency)
	if whole.Rate.Limited && fleet.Replicas*share.Burst > whole.Burst {
		f.add(fine, "target "+name, "", "with a burst of %d for each replica, a partner that counts each second may see %s plus %d",
			share.Burst, whole.Rate, fleet.Replicas*share.Burst)
	}
}

// rememberedFor is how long a quota may be to be hardly passed by a restart, which forgets
// what was used of it.
const rememberedFor = 10 * time.Minute

// judgeQuotas looks for a pause, for quotas that are never reached, and for those that a
// restart may pass: not where a coordinator remembers.
func judgeQuotas(f *findings, name string, t config.Target, shared bool) {
	if t.Rate.Limited && t.Rate.PerSecond == 0 {
		f.add(warning, "target "+name, "--rate", "a rate of 0 is a pause: nothing is received or delivered")
	}
	for _, text := range t.PointlessQuotas() {
		f.add(warning, "target "+name, "--quota", "%s", text)
	}
	for _, q := range t.Quotas {
		if q.Window() > rememberedFor && !shared {
			f.add(warning, "target "+name, "--quota, with a margin for restarts",
				"a restart forgets what was used of the quota of %s: up to twice as many may start in a window with one restart in it", q)
		}
	}
}

// leastAdaptive is the maximum below which there is nothing to find.
const leastAdaptive = 2

// judgeAdaptive says what finding the concurrency can do and what it cannot.
func judgeAdaptive(f *findings, name string, t config.Target) {
	switch {
	case !t.Adaptive:
	case t.Concurrency < leastAdaptive:
		f.add(warning, "target "+name, "--concurrency", "with a concurrency of %d there is nothing for --adaptive to find: use more than the target could ever take, such as 50", t.Concurrency)
	default:
		f.add(fine, "target "+name, "", "the concurrency is found between 1 and %d, within 10 s or 200 deliveries, by 429s, 503s and latency; "+
			"it keeps no quota (use --rate or --quota for that), and works for one replica only: a second one of which --fleet-replicas does not tell would take everything, or nothing", t.Concurrency)
	}
}

// judgeQueue compares what SQS says about a queue with the settings.
func judgeQueue(c config.Queue, t config.Target, facts queueFacts) findings {
	var f findings
	name, a := facts.name, facts.attributes
	if facts.refused != nil && facts.refused != facts.unread { //nolint:errorlint // the same error, not one like it
		f.add(wrong, name, "", "%v", facts.refused)
	}
	if !facts.reached {
		return f
	}
	f.add(fine, name, "", "the queue exists")
	for _, p := range facts.permissions {
		switch {
		case p.Unknown:
			f.add(warning, name, "", "cannot tell whether %s is allowed: %v", p.Action, p.Err)
		case p.Err != nil:
			f.add(wrong, name, "the IAM policy: allow "+p.Action, "%v", p.Err)
		default:
			f.add(fine, name, "", "%s is allowed", p.Action)
		}
	}
	switch {
	case queue.IsDenied(facts.unread):
		f.add(warning, name, "the IAM policy: allow sqs:GetQueueAttributes",
			"reading its attributes is not allowed, so there are no depth metrics, and some checks are left out: %v", facts.unread)
		return f
	case facts.unread != nil:
		f.add(wrong, name, "", "%v", facts.unread)
		return f
	}
	f.add(fine, name, "", "sqs:GetQueueAttributes is allowed")
	judgeVisibility(&f, name, c, t, a)
	judgeRedrive(&f, facts)
	judgeRetention(&f, facts)
	if a.FIFO {
		f.add(fine, name, "", "a FIFO queue: a message that fails holds up its group")
	}
	f.add(fine, name, "", "every receive sets its own wait time, so the queue's ReceiveMessageWaitTimeSeconds (%s) does not matter",
		config.Duration(a.ReceiveWait))
	judgeEncryption(&f, name, a)
	return f
}

func judgeVisibility(f *findings, name string, c config.Queue, t config.Target, a queue.Attributes) {
	visibility, whose := time.Duration(c.VisibilityTimeout), "--visibility-timeout"
	if visibility == 0 {
		visibility, whose = a.VisibilityTimeout, "the queue's VisibilityTimeout"
	}
	needed := time.Duration(t.Timeout) + visibilityMargin
	switch {
	case visibility < time.Second: // refused
	case visibility < needed:
		f.add(warning, name, "--visibility-timeout or --timeout",
			"%s of %s is less than %s, the delivery timeout of %s plus 10s: every slow delivery needs an extension, and if that "+
				"fails, the message is received again during its delivery",
			whose, config.Duration(visibility), config.Duration(needed), t.Timeout)
	default:
		f.add(fine, name, "", "%s of %s covers the delivery timeout of %s plus 10s", whose, config.Duration(visibility), t.Timeout)
	}
}

func judgeRedrive(f *findings, facts queueFacts) {
	name, a := facts.name, facts.attributes
	if a.DeadLetterQueueARN == "" && facts.refused != nil {
		return // on_rejected needs one, and says so
	}
	if a.DeadLetterQueueARN == "" {
		f.add(warning, name, "the queue's RedrivePolicy",
			"no dead-letter queue: a message that always fails comes back until its retention period ends")
		return
	}
	switch n := a.MaxReceiveCount; {
	case n < fewReceives:
		f.add(warning, name, "the queue's RedrivePolicy: maxReceiveCount 5",
			"maxReceiveCount is %d, but every crash and every failed try costs one: good messages end up in the dead-letter queue", n)
	case n < enoughReceives && a.FIFO:
		f.add(warning, name, "the queue's RedrivePolicy: maxReceiveCount 5",
			"maxReceiveCount is %d: on a FIFO queue, messages behind a failed one are received again too, so 5 or more is better", n)
	case n < enoughReceives:
		f.add(fine, name, "", "maxReceiveCount is %d; 5 is better", n)
	default:
		f.add(fine, name, "", "maxReceiveCount is %d", n)
	}
	switch {
	case queue.IsDenied(facts.deadUnread):
		f.add(warning, name, "the IAM policy: allow sqs:GetQueueUrl and sqs:GetQueueAttributes on "+facts.deadName+" for this check",
			"looking at the dead-letter queue %s is not allowed", facts.deadName)
	case message.FaultOf(facts.deadUnread) == message.Refused:
		f.add(wrong, name, "the queue's RedrivePolicy", "the dead-letter queue %s cannot be used: %v", facts.deadName, facts.deadUnread)
	case facts.deadUnread != nil:
		f.add(warning, name, "", "cannot check the dead-letter queue %s: %v", facts.deadName, facts.deadUnread)
	case facts.dead.FIFO != a.FIFO:
		f.add(wrong, name, "the queue's RedrivePolicy", "the dead-letter queue %s is %s, but the queue is %s: SQS moves nothing there",
			facts.deadName, kindOf(facts.dead), kindOf(a))
	default:
		f.add(fine, name, "", "the dead-letter queue %s exists and has the same type; %s", facts.deadName, facts.lies())
	}
}

// lies says how many messages are in the dead-letter queue.
func (facts queueFacts) lies() string {
	switch n := facts.dead.Depth.Visible + facts.dead.Depth.InFlight + facts.dead.Depth.Delayed; n {
	case 0:
		return "it is empty"
	default:
		return fmt.Sprintf("%s in it: poller peek --queue %s shows them", counted(n, "message"), facts.deadName)
	}
}

func kindOf(a queue.Attributes) string {
	if a.FIFO {
		return "a FIFO queue"
	}
	return "a standard queue"
}

// judgeRetention looks at how long messages are kept. On a standard queue their age
// goes on in the dead-letter queue.
func judgeRetention(f *findings, facts queueFacts) {
	name, retention := facts.name, facts.attributes.Retention
	if retention == 0 {
		return // not every emulator tells it
	}
	if retention < shortRetention {
		f.add(warning, name, "the queue's MessageRetentionPeriod",
			"messages are kept for %s: those that an outage of the target delays for longer are lost", config.Duration(retention))
	} else {
		f.add(fine, name, "", "messages are kept for %s", inDays(retention))
	}
	if facts.attributes.DeadLetterQueueARN == "" || facts.deadUnread != nil {
		return
	}
	dead := facts.dead.Retention
	if dead < retention || dead == retention && !facts.attributes.FIFO {
		f.add(warning, name, "the MessageRetentionPeriod of "+facts.deadName+": 14 days",
			"the dead-letter queue keeps messages for %s from when they were sent: that should be longer than the queue's %s",
			inDays(dead), inDays(retention))
	}
}

func inDays(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return counted(int(d/(24*time.Hour)), "day")
	}
	return config.Duration(d).String()
}

func judgeEncryption(f *findings, name string, a queue.Attributes) {
	switch {
	case a.KMSKeyID != "" && !strings.HasSuffix(a.KMSKeyID, "alias/aws/sqs"):
		f.add(fine, name, "", "encrypted with the KMS key %s: kms:Decrypt on it must be allowed, which only a receive can show", a.KMSKeyID)
	case a.KMSKeyID != "":
		f.add(fine, name, "", "encrypted with AWS's KMS key for SQS")
	case a.SSE:
		f.add(fine, name, "", "encrypted with SQS's own key")
	default:
		f.add(fine, name, "", "not encrypted at rest; SqsManagedSseEnabled costs nothing")
	}
}
