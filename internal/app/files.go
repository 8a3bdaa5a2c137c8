package app

import (
	"fmt"

	"poller/internal/config"
)

// What the process opens beside one connection for each delivery.
const (
	// ownFiles are its streams, the runtime's, and the files of certificates and secrets
	// while they are read.
	ownFiles = 16
	// adminFiles are kept back for the admin port: a probe that gets no answer kills the
	// process.
	adminFiles = 32
	// sqsFiles are a queue's connections to SQS at the least; one more for each ten
	// deliveries at once, and never more than connections.
	sqsFiles = 4
)

// CheckFiles returns an error if the process may not open as many files as the settings
// need at once. limit is how many it may open; 0: any number.
func CheckFiles(c config.Config, limit int) error {
	need := ownFiles + adminFiles
	most := 0 // the highest concurrency
	for _, t := range c.Targets {
		n := c.Fleet.Share(t).Concurrency
		need += n
		most = max(most, n)
	}
	for _, q := range c.Queues {
		need += min(connections, sqsFiles+c.Fleet.Share(c.Targets[q.Target]).Concurrency/10)
	}
	if limit == 0 || need <= limit {
		return nil
	}
	lower := ""
	if fits := most - (need - limit); fits > 0 {
		lower = fmt.Sprintf(", or lower the concurrency to %d", fits)
	}
	return fmt.Errorf("--concurrency: this needs %d open files (deliveries, SQS, the admin port), but the process may open only %d: "+
		"raise the limit (ulimit -n, LimitNOFILE, nofile) to %d%s", need, limit, need, lower)
}
