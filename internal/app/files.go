package app

import (
	"fmt"

	"github.com/sqs-poller/poller/internal/config"
)

// Files that the process opens in addition to one connection per delivery.
const (
	// ownFiles are standard streams, the runtime's files, and certificates and secrets
	// while they are read.
	ownFiles = 16
	// adminFiles are reserved for the admin port: a liveness probe that gets no answer
	// kills the process.
	adminFiles = 32
	// sqsFiles is the least number of connections to SQS per queue. There is one more
	// for every ten concurrent deliveries, up to connections.
	sqsFiles = 4
)

// CheckFiles returns an error if the settings need more open files than limit. A limit of
// 0 means no limit.
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
