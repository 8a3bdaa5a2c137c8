package main

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain takes the settings of whoever runs the tests away: they would be those of
// the verbs.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "POLLER_") {
			_ = os.Unsetenv(name) // it is there
		}
	}
	// It looks once a second whether its pool has been closed: longer than goleak waits.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}
