package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cage is a cgroup with a memory limit; its path is empty where none can be made.
type cage struct{ path string }

var cages int

// newCage makes a cgroup of that many MiB, by version 2 or 1, if this process may.
func newCage(mebibytes int) cage {
	limit := strconv.Itoa(mebibytes << 20)
	cages++
	name := fmt.Sprintf("poller-bench-%d-%d", os.Getpid(), cages)
	for _, c := range []struct{ parent, is, file string }{
		{"/sys/fs/cgroup", "cgroup.subtree_control", "memory.max"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.limit_in_bytes"},
	} {
		if _, err := os.Stat(filepath.Join(c.parent, c.is)); err != nil {
			continue
		}
		made := cage{filepath.Join(c.parent, name)}
		if os.Mkdir(made.path, 0o755) != nil { //nolint:gosec // as the kernel makes them
			continue
		}
		if os.WriteFile(filepath.Join(made.path, c.file), []byte(limit), 0o600) == nil {
			return made
		}
		made.remove()
	}
	return cage{}
}

// shell is a command line that runs its arguments in the cage.
func (c cage) shell() string {
	return "echo $$ > " + filepath.Join(c.path, "cgroup.procs") + ` && exec "$@"`
}

// peak is the most that was charged, in MiB; 0 if that is not known.
func (c cage) peak() float64 {
	for _, file := range []string{"memory.peak", "memory.max_usage_in_bytes"} {
		if text, err := os.ReadFile(filepath.Join(c.path, file)); err == nil { //nolint:gosec // the kernel's own
			n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			return float64(n) / (1 << 20)
		}
	}
	return 0
}

// why returns why a process was killed, as far as the kernel tells.
func (c cage) why() error {
	for _, file := range []string{"memory.events", "memory.oom_control"} {
		text, err := os.ReadFile(filepath.Join(c.path, file)) //nolint:gosec // the kernel's own
		if err == nil && strings.Contains(string(text), "oom_kill ") && !strings.Contains(string(text), "oom_kill 0") {
			return errors.New("killed for its memory")
		}
	}
	return errors.New("not for its memory, as far as is known")
}

func (c cage) remove() {
	if c.path != "" {
		_ = os.Remove(c.path)
	}
}
