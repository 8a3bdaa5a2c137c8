package config

import (
	"strconv"
	"strings"
)

// quoted repeats what was given, with a space behind it, for the beginning of a
// sentence. What is too long to be a slip of the pen, or looks like something in
// the wrong place, is not repeated.
func quoted(s string) string {
	if !isShort(s) {
		return "it "
	}
	return strconv.Quote(s) + " "
}

func isShort(s string) bool { return len(s) <= 20 && !strings.ContainsAny(s, " :@\n") }
