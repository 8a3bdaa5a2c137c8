//go:build !race

package fleet

// race_test.go has less of each.
const (
	usualSeeds    = 20
	usualReplicas = 60
	usualOrders   = 20
)

var usualRates = []float64{2, 28, 500}
