//go:build fleet

package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSentinelPromotesAnother: the primary is killed, and Sentinel names its replica.
func TestSentinelPromotesAnother(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		second := s.starts()
		second.tells("REPLICAOF", "127.0.0.1", s.server.port())
		s.eventually("the replica is in step", func() bool { return strings.Contains(second.asks("INFO", "replication"), "master_link_status:up") })
		file := filepath.Join(s.folder, "sentinel.conf")
		conf := fmt.Sprintf("sentinel monitor main 127.0.0.1 %s 1\nsentinel down-after-milliseconds main 1500\nsentinel failover-timeout main 10000\n", s.server.port())
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		sentinel := s.starts(file, "--sentinel")
		s.eventually("Sentinel knows the replica", func() bool { return strings.Contains(sentinel.asks("SENTINEL", "REPLICAS", "main"), second.port()) })
		url := "redis+sentinel://" + sentinel.address + "/0?master_name=main"
		s.checks(0, "OK", url)
		s.joins(4, url)
		s.says(4, "fleet live") // who is not yet has no memory to lose
		s.delivers(150)
		s.server.kills()
		s.says(4, "fleet memory lost")
		s.reaches(0.9, 5*time.Second)
		s.judge(0, 0)
	})
}

// TestClusterPromotesAnother: the node that has the keys is killed, and its replica takes over.
func TestClusterPromotesAnother(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		var nodes []*server
		for range 4 { // three primaries and the replica of one
			_, port, _ := strings.Cut(free(t), ":")
			nodes = append(nodes, s.starts("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", port))
		}
		for i, v := range nodes { // as redis-cli does: two that take the same number agree on nothing
			v.tells("CLUSTER", "SET-CONFIG-EPOCH", fmt.Sprint(i+1))
		}
		bus := func(v *server) string { return v.args[len(v.args)-1] }
		for i, v := range nodes[:3] {
			v.tells("CLUSTER", "ADDSLOTSRANGE", fmt.Sprint(i*5461), fmt.Sprint(min((i+1)*5461-1, 16383)))
		}
		nodes[2].asks("CLUSTER", "ADDSLOTS", "16383")
		for _, v := range nodes[1:] {
			nodes[0].tells("CLUSTER", "MEET", "127.0.0.1", v.port(), bus(v))
		}
		var slot int
		_, _ = fmt.Sscanf(nodes[0].tells("CLUSTER", "KEYSLOT", "{poller:orders}:state"), ":%d", &slot)
		owner, spare := nodes[min(slot/5461, 2)], nodes[3]
		s.t.Cleanup(func() {
			if s.t.Failed() {
				s.t.Logf("the replica sees\n%s", spare.asks("CLUSTER", "NODES"))
			}
		})
		id := strings.TrimSpace(strings.SplitN(owner.tells("CLUSTER", "MYID"), "\r\n", 2)[1])
		s.eventually("the nodes know each other", func() bool {
			for _, v := range nodes {
				if strings.Count(v.asks("CLUSTER", "NODES"), " connected") < 4 {
					return false
				}
			}
			return strings.HasPrefix(spare.asks("CLUSTER", "REPLICATE", id), "+OK")
		})
		s.eventually("the cluster is well", func() bool {
			return strings.Contains(nodes[0].asks("CLUSTER", "INFO"), "cluster_state:ok") && strings.Contains(spare.asks("INFO", "replication"), "master_link_status:up") &&
				strings.Contains(nodes[0].asks("CLUSTER", "NODES"), "slave "+id)
		})
		url := "redis+cluster://" + nodes[0].address + "?addr=" + nodes[1].address + "&addr=" + nodes[2].address
		s.checks(0, "OK", url)
		s.joins(4, url)
		s.says(4, "fleet live") // who is not yet has no memory to lose
		s.delivers(150)
		owner.kills()
		spare.tells("CLUSTER", "FAILOVER", "TAKEOVER") // without the vote, which may take a minute
		s.says(4, "fleet memory lost")
		s.reaches(0.9, 5*time.Second)
		s.judge(0, 0)
	})
}
