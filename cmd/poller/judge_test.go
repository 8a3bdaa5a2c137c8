package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

func TestWhatAQueueIsJudgedBy(t *testing.T) {
	const day = 24 * time.Hour
	good := queueFacts{
		name: "orders", deadName: "dead", reached: true,
		permissions: []queue.Permission{{Action: "sqs:DeleteMessage"}},
		attributes: queue.Attributes{SSE: true, QueueAttributes: message.QueueAttributes{
			VisibilityTimeout: 40 * time.Second, Retention: 4 * day, MaxReceiveCount: 5, DeadLetterQueueARN: "arn:aws:sqs:r:1:dead",
		}},
		dead: queue.Attributes{QueueAttributes: message.QueueAttributes{Retention: 14 * day}},
	}
	refusedFault := &message.SQSError{Fault: message.Refused, Code: "AWS.SimpleQueueService.NonExistentQueue", Err: errors.New("none")}
	deniedFault := &message.SQSError{Fault: message.Refused, Code: "AccessDenied", Err: errors.New("denied")}
	networkFault := &message.SQSError{Fault: message.Network, Err: errors.New("away")}
	for _, tt := range []struct {
		name   string
		change func(*queueFacts, *config.Queue, *config.Target)
		want   severity
		says   string
	}{
		{"good", func(*queueFacts, *config.Queue, *config.Target) {}, fine, ""},
		{"visibility", func(f *queueFacts, _ *config.Queue, _ *config.Target) {
			f.attributes.VisibilityTimeout = 39 * time.Second
		}, warning, "40s"},
		{"visibility asked for", func(_ *queueFacts, q *config.Queue, _ *config.Target) {
			q.VisibilityTimeout = config.Duration(39 * time.Second)
		}, warning, "--visibility-timeout of 39s"},
		{"what the daemon refuses", func(f *queueFacts, _ *config.Queue, _ *config.Target) {
			f.attributes.VisibilityTimeout, f.refused = 0, errors.New("--visibility-timeout: it is 0")
		}, wrong, "it is 0"},
		{"visibility of none, but asked for", func(f *queueFacts, q *config.Queue, _ *config.Target) {
			f.attributes.VisibilityTimeout, q.VisibilityTimeout = 0, config.Duration(time.Minute)
		}, fine, ""},
		{"a longer delivery", func(_ *queueFacts, _ *config.Queue, t *config.Target) { t.Timeout = config.Duration(31 * time.Second) }, warning, "31s"},
		{"no dead-letter queue", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.attributes.DeadLetterQueueARN = "" }, warning, "RedrivePolicy"},
		{"two receives", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.attributes.MaxReceiveCount = 2 }, warning, "maxReceiveCount 5"},
		{"three receives", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.attributes.MaxReceiveCount = 3 }, fine, ""},
		{"three receives of a FIFO queue", func(f *queueFacts, _ *config.Queue, _ *config.Target) {
			f.attributes.MaxReceiveCount, f.attributes.FIFO, f.dead.FIFO = 3, true, true
		}, warning, "FIFO"},
		{"dead letters of another type", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.attributes.FIFO = true }, wrong, "a standard queue"},
		{"no such dead-letter queue", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.deadUnread = refusedFault }, wrong, "dead"},
		{"dead letters denied", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.deadUnread = deniedFault }, warning, "sqs:GetQueueUrl"},
		{"dead letters not reached", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.deadUnread = networkFault }, warning, "cannot check"},
		{"dead letters expire sooner", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.dead.Retention = 4 * day }, warning, "4 days"},
		{"retention that is not told", func(f *queueFacts, _ *config.Queue, _ *config.Target) {
			f.attributes.Retention, f.dead.Retention = 0, 0
		}, fine, ""},
		{"short retention", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.attributes.Retention = time.Hour }, warning, "MessageRetentionPeriod"},
		{"attributes denied", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.unread = deniedFault }, warning, "sqs:GetQueueAttributes"},
		{"attributes not read", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.unread = networkFault }, wrong, "away"},
		{"may not delete", func(f *queueFacts, _ *config.Queue, _ *config.Target) { f.permissions[0].Err = deniedFault }, wrong, "allow sqs:DeleteMessage"},
		{"not told", func(f *queueFacts, _ *config.Queue, _ *config.Target) {
			f.permissions[0].Err, f.permissions[0].Unknown = networkFault, true
		}, warning, "cannot tell"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts := good
			facts.permissions = append([]queue.Permission(nil), good.permissions...)
			c, target := config.Queue{Queue: "orders", Target: "default"}, config.Target{Timeout: config.Duration(30 * time.Second)}
			tt.change(&facts, &c, &target)
			var bad findings
			for _, one := range judgeQueue(c, target, facts) {
				if one.Severity != fine {
					bad = append(bad, one)
				}
			}
			switch {
			case tt.want == fine && len(bad) == 0:
			case tt.want == fine || len(bad) != 1:
				t.Errorf("found %+v", bad)
			case bad[0].Severity != tt.want || !strings.Contains(bad[0].What+" "+bad[0].Change, tt.says):
				t.Errorf("found %+v, want %s, %q", bad[0], tt.want, tt.says)
			}
		})
	}
}
