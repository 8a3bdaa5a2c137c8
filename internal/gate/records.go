package gate

import (
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxRecords is how many messages are remembered as given up; what was not asked for the
// longest goes first.
const maxRecords = 10_000

// records are messages of which something is known from before. Most are those that were
// given up by proof: known bad. When one of them comes
// again and fails, that is a strike without another proof. Without them poison that comes
// back when the good messages are through, and so nobody is left to prove it, would be held
// like an outage.
type records struct {
	lru *simplelru.LRU[string, struct{}]
}

func newRecords() records {
	lru, err := simplelru.NewLRU[string, struct{}](maxRecords, nil)
	if err != nil {
		panic(fmt.Sprintf("a positive size is refused: %v", err))
	}
	return records{lru}
}

func (r *records) has(id string) bool { return r.lru.Contains(id) }

func (r *records) add(id string) { r.lru.Add(id, struct{}{}) }

// forget drops one that was delivered after all.
func (r *records) forget(id string) { r.lru.Remove(id) }
