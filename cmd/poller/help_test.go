package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHelpIsAsWideAsTheTerminalAndAtMost100(t *testing.T) {
	for columns, want := range map[int]int{0: 80, 80: 80, 90: 90, 300: 100} {
		c := newCommand(t)
		c.columns = columns
		command(c.process, []string{"run", "-h"})
		_, flags, _ := strings.Cut(c.out.String(), "Usage:")
		longest := 0
		for line := range strings.Lines(flags) {
			longest = max(longest, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
		}
		if longest > want || longest < want-3 {
			t.Errorf("at %d columns the longest line has %d", columns, longest)
		}
	}
}

func TestNoLineOfHelpIsWiderThanTheTerminal(t *testing.T) {
	for _, v := range verbs() {
		for columns, most := range map[int]int{0: 80, 80: 80, 120: 100} {
			c := newCommand(t)
			c.columns = columns
			command(c.process, []string{v.name, "-h"})
			for line := range strings.Lines(c.out.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > most {
					t.Errorf("poller %s -h at %d columns has a line of %d: %s", v.name, columns, n, line)
				}
			}
		}
	}
}

func TestHelpPutsFlagsUnderTheirHeadings(t *testing.T) {
	stdout, _, _ := run(t, "drain", "-h")
	at := 0
	for _, part := range []string{
		"Usage: poller drain [flags]\n\nFlags:\n  -h, --help ", "\n      --config=FILE ", "\n      --idle=DURATION ",
		"\n\nQueue:\n  --queue=QUEUE ", "\n\nTarget:\n  --target=URL ", "\n\nDaemon:\n  --fleet-redis=URL ",
	} {
		i := strings.Index(stdout[at:], part)
		if i < 0 {
			t.Fatalf("%q is not there, or not in its place:\n%s", part, stdout)
		}
		at += i
	}
}

func TestHelpShowsWhatStandsBesideTheFlags(t *testing.T) {
	stdout, _, _ := run(t, "send", "-h")
	for _, part := range []string{
		"\nUsage: poller send --queue=QUEUE [<body> ...] [flags]\n",
		"\nArguments:\n  [<body> ...]    One message each; - reads one per line from standard input.\n",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("%q is not there:\n%s", part, stdout)
		}
	}
}

func TestWhatIsLongOnTheLeftHasALineOfItsOwn(t *testing.T) {
	got := section("Flags", [][2]string{{"--a-name-that-takes-over-a-third=VALUE", "Long."}, {"--short", "Short."}}, 80)
	want := "Flags:\n" +
		"  --a-name-that-takes-over-a-third=VALUE\n" +
		"             Long.\n" +
		"  --short    Short.\n\n"
	if got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

func TestHelpMayBeAskedForByAWordToo(t *testing.T) {
	for words, same := range map[string]string{"help": "--help", "help send": "send --help"} {
		stdout, stderr, code := run(t, strings.Fields(words)...)
		if want, _, _ := run(t, strings.Fields(same)...); stdout != want || stderr != "" || code != 0 {
			t.Errorf("poller %s: code %d\n%s%s", words, code, stdout, stderr)
		}
	}
}
