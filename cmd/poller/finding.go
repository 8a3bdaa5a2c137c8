package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// severity is how bad a finding is.
type severity string

const (
	fine    severity = "ok"
	warning severity = "warning"
	wrong   severity = "error"
)

// finding is one thing that `poller check` looked at.
type finding struct {
	Severity severity `json:"severity"`
	// About is the queue or target, "settings" or "aws".
	About string `json:"about"`
	// What was found, in a sentence.
	What string `json:"what"`
	// Change is the setting, the queue's attribute or the IAM action to change;
	// empty if there is nothing to change.
	Change string `json:"change,omitempty"`
}

type findings []finding

func (f *findings) add(s severity, about, change, what string, args ...any) {
	*f = append(*f, finding{Severity: s, About: about, Change: change, What: fmt.Sprintf(what, args...)})
}

func (f findings) count(s severity) int {
	n := 0
	for _, one := range f {
		if one.Severity == s {
			n++
		}
	}
	return n
}

// byWeight sorts good findings first, then warnings, then errors: the end of a long
// list is what a terminal shows.
func (f findings) byWeight() findings {
	weight := map[severity]int{fine: 0, warning: 1, wrong: 2}
	return slices.SortedStableFunc(slices.Values(f), func(a, b finding) int {
		return cmp.Compare(weight[a.Severity], weight[b.Severity])
	})
}

// print writes a line a finding, and the counts.
func (f findings) print(out io.Writer) error {
	var b strings.Builder
	for _, one := range f.byWeight() {
		fmt.Fprintf(&b, "%-8s %s: %s", one.Severity, one.About, one.What)
		if one.Change != "" {
			fmt.Fprintf(&b, "; change %s", one.Change)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s, %s\n", counted(f.count(wrong), "error"), counted(f.count(warning), "warning"))
	_, err := io.WriteString(out, b.String())
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printJSON writes the same for a program.
func (f findings) printJSON(out io.Writer) error {
	text, err := json.MarshalIndent(struct {
		Errors   int      `json:"errors"`
		Warnings int      `json:"warnings"`
		Findings findings `json:"findings"`
	}{f.count(wrong), f.count(warning), f}, "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}
