//go:build race

package simulation

// usualSeeds are fewer under the race detector, which makes each up to ten times slower.
const usualSeeds = 10
