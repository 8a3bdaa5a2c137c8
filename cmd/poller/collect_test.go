package main

import (
	"runtime/debug"
	"testing"
)

func TestGOGCOfTheEnvironmentGoesBeforeOurs(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	for value, want := range map[string]int{"": heapGrowth, "200": 100, "off": 100} { // 100: left as it was
		t.Setenv("GOGC", value)
		debug.SetGCPercent(100)
		setHeapGrowth()
		if got := debug.SetGCPercent(100); got != want {
			t.Errorf("GOGC=%q: %d, not %d", value, got, want)
		}
	}
}
