package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestTheLinkerLeavesOutWhatNobodyCalls is of the binary's size and memory: if any code
// in it calls a method by a name that is known only at run time, the linker keeps every
// exported method of every type, 4 MB of code. text/template does, and so do some
// libraries for command lines.
func TestTheLinkerLeavesOutWhatNobodyCalls(t *testing.T) {
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w -dumpdep", "-o", os.DevNull, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
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
