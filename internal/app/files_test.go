package app

import (
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/config"
)

func TestOpenFilesThatCannotSufficeAreRefused(t *testing.T) {
	one := func(concurrency, replicas int) config.Config {
		return config.Config{
			Queues:  []config.Queue{{Queue: "orders", Target: "crm"}},
			Targets: map[string]config.Target{"crm": {Concurrency: concurrency}},
			Fleet:   config.Fleet{Replicas: replicas},
		}
	}
	several := one(300, 1)
	several.Queues = append(several.Queues, config.Queue{Queue: "invoices", Target: "erp"})
	several.Targets["erp"] = config.Target{Concurrency: 200}
	for _, tt := range []struct {
		name  string
		c     config.Config
		limit int
		says  string // empty if it fits
	}{
		{"the default, in the smallest limit", one(10, 1), 64, ""},
		{"one file short", one(11, 1), 63, "raise the limit (ulimit -n, LimitNOFILE, nofile) to 64, or lower the concurrency to 10"},
		{"300 at once in 64", one(300, 1), 64, "needs 380 open files (deliveries, SQS, the admin port), but the process may open only 64"},
		{"300 at once in 380", one(300, 1), 380, ""},
		{"this replica's share", one(300, 30), 64, ""},
		{"no limit", one(10_000, 1), 0, ""},
		{"several targets", several, 603, "to 604"},
		{"several targets that fit", several, 604, ""},
	} {
		err := CheckFiles(tt.c, tt.limit)
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := CheckFiles(one(300, 1), 20); err == nil || strings.Contains(err.Error(), "lower") {
		t.Errorf("if no concurrency fits: %v", err)
	}
}
