package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// environ is the POLLER_* variables that are set and not empty.
type environ map[string]string

// readEnviron drops white space around values: those of secrets often end in a
// line break.
func readEnviron(list []string) environ {
	e := make(environ)
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		if value = strings.TrimSpace(value); value != "" && strings.HasPrefix(name, "POLLER_") {
			e[name] = value
		}
	}
	return e
}

// serviceLink returns what matches the variables that Kubernetes makes in every pod for each
// Service of the namespace whose name begins with "poller".
var serviceLink = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^POLLER_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)
})

// unknown says of each variable that is no setting which one may be meant.
// Kubernetes' own are passed over.
func (e environ) unknown() []string {
	var known []string
	for _, s := range Settings() {
		if s.Variable != "" {
			known = append(known, s.Variable)
		}
	}
	var warnings []string
	for name, value := range e {
		if slices.Contains(known, name) || serviceLink().MatchString(name) && (name != "POLLER_PORT" || strings.Contains(value, "://")) {
			continue
		}
		text := fmt.Sprintf("%s is not a setting and has no effect", name)
		if near := nearest(name, known); near != "" {
			text += ": did you mean " + near + "?"
		}
		warnings = append(warnings, text)
	}
	slices.Sort(warnings)
	return warnings
}

// withoutPath is a file error's cause; the sentence around it has the path.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
