package fleet

import (
	_ "embed"
)

// The coordinator's script: what it knows of quotas, and a call.
//
//go:embed quotas.lua
var quotasSource string

//go:embed script.lua
var callSource string

var source = quotasSource + callSource

// keysOf returns the keys of a budget: its state, its members, what is said about them, what
// is used of its quotas, and what an operator has set for all. The braces keep them on one node of a cluster.
func keysOf(name string) []string {
	prefix := "{poller:" + name + "}:"
	return []string{prefix + "state", prefix + "members", prefix + "about", prefix + "quotas", prefix + "override"}
}
