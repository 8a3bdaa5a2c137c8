package app

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestTheDocsLinkToPagesAndSectionsThatExist reads README, the changelog and docs as
// GitHub shows them.
func TestTheDocsLinkToPagesAndSectionsThatExist(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range append(pages, "../../README.md", "../../CHANGELOG.md") {
		for _, found := range link.FindAllStringSubmatch(readText(t, page), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			file, section, _ := strings.Cut(found[1], "#")
			to := page
			if file != "" {
				to = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which does not exist", filepath.Base(page), found[1])
			} else if section != "" && !slices.Contains(sections(readText(t, to)), section) {
				t.Errorf("%s links to %s, which has no such section", filepath.Base(page), found[1])
			}
		}
	}
}

// TestTheListOfPagesHasEachPage is of docs/README.md, where a newcomer looks.
func TestTheListOfPagesHasEachPage(t *testing.T) {
	list := readText(t, "../../docs/README.md")
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(list, "]("+name+")") {
			t.Errorf("docs/README.md does not link to %s", name)
		}
	}
}

// sections are the anchors of a page's headings.
func sections(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		heading := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return r
			}
			return -1
		}, heading))
	}
	return all
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
