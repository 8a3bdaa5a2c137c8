//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestTheDocsNameWhatEachServerCannotDo(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| server | cannot | because |\n|---|---|---|\n")
	if !found {
		t.Fatal("docs/testing.md has no table of what the servers cannot do")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var want []string
	for _, l := range limits {
		want = append(want, fmt.Sprintf("| %s | %s | %s |", l.server, l.what, l.reason))
	}
	if got := strings.Join(want, "\n"); got != table {
		t.Errorf("docs/testing.md says\n%s\nand the tests say\n%s", table, got)
	}
}
