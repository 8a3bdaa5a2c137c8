//go:build race

package fleet

// What is simulated under the race detector is less. It makes a world six times slower and
// finds nothing in it: a world has one goroutine.
const (
	usualSeeds    = 2
	usualReplicas = 16 // of a large fleet
	usualFleets   = 1
	usualOrders   = 4 // in which calls are made at random
	compared      = 10
	twins         = false // the script's own tests run it alone
)

// usualRates are the rates at which fleets without faults are tried, a second.
var usualRates = []float64{28}
