package config

import (
	"strconv"
	"strings"
)

// shown repeats what was given, with a space before it. What is too long to be a slip
// of the pen, or looks like something in the wrong place, is not repeated.
func shown(s string) string {
	if !isShort(s) {
		return ""
	}
	return " " + strconv.Quote(s)
}

func isShort(s string) bool { return len(s) <= 20 && !strings.ContainsAny(s, " :@\n") }
