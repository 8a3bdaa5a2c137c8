package main

import (
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestTheLinkerLeavesOutWhatNobodyCalls is of the binary's size and memory: if any code
// in it calls a method by a name that is known only at run time, the linker keeps every
// exported method of every type, 4 MB of code. text/template does, and so do some
// libraries for command lines.
func TestTheLinkerLeavesOutWhatNobodyCalls(t *testing.T) {
	args := []string{"build", "-ldflags", "-s -w -dumpdep", "-o", os.DevNull}
	args = append(args, testFlags(t)...)
	out, err := exec.CommandContext(t.Context(), "go", append(args, ".")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, out)
	}
	graph := string(out)
	if !strings.Contains(graph, "main.main -> ") {
		t.Fatalf("the linker does not say what needs what:\n%.2000s", graph)
	}
	const byName = " <ReflectMethod>"
	for line := range strings.Lines(graph) {
		if from, to, _ := strings.Cut(strings.TrimSpace(line), " -> "); strings.HasSuffix(to, byName) {
			t.Errorf("%s calls methods by their names, for %s", strings.TrimSuffix(to, byName), from)
		}
	}
}

// testFlags returns those flags of the test's own build without which packages would be
// compiled again. With them all are cached, so that only linking takes time.
func testFlags(t *testing.T) []string {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test does not know how it was built")
	}
	var flags []string
	for _, s := range info.Settings {
		if slices.Contains([]string{"-race", "-trimpath", "-cover", "-tags"}, s.Key) {
			flags = append(flags, s.Key+"="+s.Value)
		}
	}
	return flags
}
