package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/pflag"
)

// sentence is pflag's error as poller says it. The value behind an unknown flag is not
// repeated: it may be a secret.
func (s *Set) sentence(err error) error {
	var name string
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name = "--" + unknown.GetSpecifiedName()
		if letters, _, _ := strings.Cut(unknown.GetSpecifiedShortnames(), "="); letters != "" {
			if name = "-" + letters; slices.ContainsFunc(s.flags, func(f Flag) bool { return f.Name == letters }) {
				return fmt.Errorf("unknown flag %s, did you mean %q?", name, "-"+name)
			}
			name = "-" + unknown.GetSpecifiedName()
		}
	} else if syntax, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		name, _, _ = strings.Cut(syntax.GetSpecifiedFlag(), "=")
	} else {
		return err
	}
	var known []string
	for _, f := range s.flags {
		if "--"+f.Tag.Get("mistaken") == name && name != "--" {
			return fmt.Errorf("unknown flag %s, did you mean %q?", name, "--"+f.Name)
		}
		known = append(known, "--"+f.Name)
		if f.Short != "" {
			known = append(known, "-"+f.Short)
		}
	}
	if meant := DidYouMean(name, known); meant != "" {
		return fmt.Errorf("unknown flag %s, %s", name, meant)
	}
	return fmt.Errorf("unknown flag %s: see %s --help", name, s.command)
}

// farthest returns how many letters may be wrong in a name that is still understood: two,
// though not the only one.
func farthest(name string) int {
	if len(strings.TrimLeft(name, "-")) < 2 {
		return 0
	}
	return 2
}

// DidYouMean suggests the known names that start with a name or are close to it; it is
// empty if there are none.
func DidYouMean(name string, known []string) string {
	if strings.Trim(name, "-") == "" {
		return "" // everything starts with it
	}
	var near []string
	for _, k := range known {
		if strings.HasPrefix(k, name) || levenshtein.ComputeDistance(strings.ToLower(k), strings.ToLower(name)) <= farthest(name) {
			near = append(near, fmt.Sprintf("%q", k))
		}
	}
	switch len(near) {
	case 0:
		return ""
	case 1:
		return "did you mean " + near[0] + "?"
	default:
		return "did you mean one of " + strings.Join(near, ", ") + "?"
	}
}
