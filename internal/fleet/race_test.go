//go:build race

package fleet

// What is simulated under the race detector is less. It makes a world six times slower and
// finds nothing in it: a world has one goroutine.
const (
	usualSeeds    = 2
	usualReplicas = 16 // of a large fleet
	usualOrders   = 4  // in which calls are made at random
)

// usualRates are the rates at which fleets without faults are tried, a second.
var usualRates = []float64{28}
