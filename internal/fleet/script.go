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

// orderSource is the script by which an operator's order is given.
//
//go:embed order.lua
var orderSource string

// keysOf returns the keys of a budget: its state, its members, what is said about them, what
// is used of its quotas, and an operator's orders. The braces keep them on one node of a
// cluster.
func keysOf(name string) []string {
	prefix := "{poller:" + name + "}:"
	return []string{prefix + "state", prefix + "members", prefix + "about", prefix + "quotas", prefix + "orders"}
}
