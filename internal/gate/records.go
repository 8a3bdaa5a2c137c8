package gate

import (
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxRecords bounds the remembered messages; the least recently used is dropped first.
const maxRecords = 10_000

// records remembers messages from earlier receives, most of them known bad: given up by
// proof. When a known bad message comes back and fails, that is a strike without another
// proof. Otherwise poison that comes back when the good messages are through, with no
// success left to prove it, would be held like an outage.
type records struct {
	lru *simplelru.LRU[string, struct{}]
}

func newRecords() records {
	lru, err := simplelru.NewLRU[string, struct{}](maxRecords, nil)
	if err != nil {
		panic(fmt.Sprintf("NewLRU refused a positive size: %v", err))
	}
	return records{lru}
}

func (r *records) has(id string) bool { return r.lru.Contains(id) }

func (r *records) add(id string) { r.lru.Add(id, struct{}{}) }

// forget removes a message that was delivered after all.
func (r *records) forget(id string) { r.lru.Remove(id) }
