//go:build race

package simulation

// usualSeeds are fewer under the race detector, which makes each several times slower.
const usualSeeds = 20
