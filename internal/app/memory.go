package app

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
)

// MemoryPlan is how a memory limit is divided, in bytes. docs/sizing.md explains it.
type MemoryPlan struct {
	// Limit is what the process may use in all; 0: no limit.
	Limit int64
	// Go is the limit of what Go manages; 0: no limit.
	Go int64
	// Base is what connections, stacks and metrics take.
	Base int64
	// Messages is what messages may take, in hand and being read.
	Messages int64
	// Tight reports that this is the least there is: the limit is too low for the slots and
	// queues.
	Tight bool
}

// PlanMemory divides the memory limit of c.
func PlanMemory(c config.Config) MemoryPlan {
	slots := 0
	for _, t := range c.Targets {
		slots += c.Fleet.Share(t).Concurrency
	}
	limit, queues := int64(c.Memory), len(c.Queues)
	p := MemoryPlan{Limit: limit, Base: consumer.BaseMemory(slots, queues), Messages: consumer.Budget(limit, slots, queues)}
	if limit > 0 {
		p.Go = max(limit-consumer.RuntimeMemory, limit/2)
		p.Tight = p.Messages > (limit-consumer.RuntimeMemory-p.Base)/2
	}
	return p
}

// memoryCollector reads the use of the budget at each scrape.
type memoryCollector struct{ memory *consumer.Memory }

var memoryDesc = prometheus.NewDesc("poller_memory_budget_bytes",
	"What messages may take of the memory, by use: messages in hand, receives that are out, free.", []string{"use"}, nil)

// Describe implements prometheus.Collector.
func (memoryCollector) Describe(descs chan<- *prometheus.Desc) { descs <- memoryDesc }

// Collect implements prometheus.Collector.
func (k memoryCollector) Collect(metrics chan<- prometheus.Metric) {
	use := k.memory.Use()
	for name, bytes := range map[string]int64{"messages": use.Messages, "receives": use.Receives, "free": use.Free()} {
		metrics <- prometheus.MustNewConstMetric(memoryDesc, prometheus.GaugeValue, float64(bytes), name)
	}
}

// makeMemory makes the memory that all queues share.
func (a *App) makeMemory(budget int64) error {
	if budget == 0 {
		budget = PlanMemory(a.config).Messages
	}
	a.memory = consumer.NewMemory(budget)
	if err := a.metrics.Register(memoryCollector{a.memory}); err != nil {
		return fmt.Errorf("register memory metrics: %w", err)
	}
	return nil
}

// memoryStatus is how the memory is used.
func (a *App) memoryStatus() admin.Memory {
	use := a.memory.Use()
	return admin.Memory{
		Limit: int64(a.config.Memory), Budget: use.Budget, Messages: use.Messages, Receives: use.Receives, Free: use.Free(),
	}
}
