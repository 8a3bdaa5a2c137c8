package simulation

import (
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestTheDocsListEveryInvariant(t *testing.T) {
	text, err := os.ReadFile("../../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range invariants {
		name := runtime.FuncForPC(reflect.ValueOf(i.holds).Pointer()).Name()
		name = name[strings.LastIndexByte(name, '.')+1:]
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/simulation.md does not name %s", name)
		}
	}
}
