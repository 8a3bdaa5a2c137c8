package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryGuaranteeNamesTestsThatAreThere(t *testing.T) {
	docs, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../*/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	names := regexp.MustCompile("`([A-Za-z]+[a-z][A-Z][A-Za-z0-9]+)`").FindAllStringSubmatch(string(docs), -1)
	if len(names) < 30 {
		t.Fatalf("the docs name only %d tests", len(names))
	}
	for _, name := range names {
		if !strings.Contains(tests.String(), "func "+name[1]+"(") {
			t.Errorf("docs/guarantees.md names %s, which does not exist", name[1])
		}
	}
}
