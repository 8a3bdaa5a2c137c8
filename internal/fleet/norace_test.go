//go:build !race

package fleet

// race_test.go has less of each.
const (
	usualSeeds    = 20
	usualReplicas = 60
	usualFleets   = 6
	usualOrders   = 20
	compared      = 10 // of so many seeds one runs the script beside its twin
	twins         = true
)

var usualRates = []float64{2, 28, 500}
