package main

import (
	"os"
	"runtime/debug"
)

// heapGrowth is GOGC where the environment sets none: by how many percent the heap grows
// over the live heap before it is collected. A worker has little live memory, so Go's 100 has
// it collected fifty times a second under load. docs/performance.md has what other values
// cost in memory and save in CPU.
const heapGrowth = 120

// setHeapGrowth leaves to GOGC what it says, off included; GOMEMLIMIT works with either.
func setHeapGrowth() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// setMemoryLimit has Go collect garbage more often near the limit, in bytes. A GOMEMLIMIT
// in the environment goes before it; 0 is no limit.
func setMemoryLimit(limit int64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}
