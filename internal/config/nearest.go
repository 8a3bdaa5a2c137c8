package config

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest is the name that was probably meant, or "".
func nearest(name string, known []string) string {
	best, distance := "", max(2, len(name)/4)+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// nearestOr is the nearest name, or all of them.
func nearestOr(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return near
	}
	return oneOf(known)
}

// oneOf lists names as a choice.
func oneOf(names []string) string { return series(names, " or ") }

// allOf lists names that belong together.
func allOf(names []string) string { return series(names, " and ") }

func series(names []string, last string) string {
	n := len(names) - 1
	if n < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n], ", ") + last + names[n]
}

// isName reports whether s is one to so many letters, digits, '-', '_' and '.', and starts with none of '-' and '.'.
func isName(s string, longest int) bool {
	other := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("_.-", c)
	}
	return s != "" && len(s) <= longest && !strings.ContainsAny(s[:1], ".-") && !strings.ContainsFunc(s, other)
}

// maySay reports whether a word of the file may be repeated: it is a key or a target's name, and
// not something in the wrong place.
func maySay(word string) bool { return isName(word, 40) }
