package fleet

import (
	_ "embed"
)

// source is the coordinator's script.
//
//go:embed script.lua
var source string

// keysOf returns the keys of a budget: its state, its members, and what is said about them.
// The braces keep them on one node of a cluster.
func keysOf(name string) []string {
	prefix := "{poller:" + name + "}:"
	return []string{prefix + "state", prefix + "members", prefix + "about"}
}
