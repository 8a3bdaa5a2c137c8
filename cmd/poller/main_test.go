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
	goleak.VerifyTestMain(m)
}
