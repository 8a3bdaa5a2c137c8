//go:build !race

package simulation

const usualSeeds = 40
