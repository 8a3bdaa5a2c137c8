package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// part is one experiment, which gives one row of the table or more.
type part struct {
	name    string
	measure func(context.Context, options) ([]row, error)
}

// parts are all of them, in the table's order.
var parts = []part{
	{"throughput", throughput},
	{"idle", idle},
	{"trickle", trickle},
	{"rate", rate},
	{"quota", quota},
	{"limits", limits},
	{"held", held},
	{"mixed", mixed},
	{"start", firstReceive},
	{"stop", stopped},
	{"kill", killed},
	{"outage", outages},
	{"brownout", brownOut},
	{"adaptive", adaptive},
	{"poison", poison},
	{"sizes", sizes},
	{"queues", queues},
	{"memory", memory},
}

func names() []string {
	all := make([]string, len(parts))
	for i, p := range parts {
		all[i] = p.name
	}
	return all
}

// row is one figure.
type row struct {
	figure   string
	goal     string
	measured string
	reached  bool
}

// below is a row whose figure may be at most goal.
func below(figure string, value, goal float64, format string) row {
	return row{figure: figure, goal: "≤ " + fmt.Sprintf("%v", goal), measured: fmt.Sprintf(format, value), reached: value <= goal}
}

// above is a row whose figure must be at least goal.
func above(figure string, value, goal float64, format string) row {
	return row{figure: figure, goal: "≥ " + fmt.Sprintf("%v", goal), measured: fmt.Sprintf(format, value), reached: value >= goal}
}

// measure runs the parts that are asked for and prints the table.
func measure(ctx context.Context, o options) error {
	wanted := parts
	if o.only != "" {
		wanted = nil
		for name := range strings.SplitSeq(o.only, ",") {
			i := slices.Index(names(), name)
			if i < 0 {
				return fmt.Errorf("-only: unknown part %q: use %s", name, strings.Join(names(), ", "))
			}
			wanted = append(wanted, parts[i])
		}
	}
	if o.poller == "" {
		dir, err := os.MkdirTemp("", "poller-bench")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if o.poller, err = build(ctx, dir); err != nil {
			return err
		}
	}
	var rows []row
	for _, p := range wanted {
		progress("%s", p.name)
		more, err := p.measure(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, more...)
	}
	if err := show(rows); err != nil || !o.quick {
		return err
	}
	for _, r := range rows {
		if !r.reached {
			return fmt.Errorf("a goal is missed: %s", r.figure)
		}
	}
	return nil
}

// build makes the binary as it is released.
func build(ctx context.Context, dir string) (string, error) {
	progress("building poller")
	path := filepath.Join(dir, "poller")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/poller") //nolint:gosec // our own command
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build poller: %w: %s", err, out)
	}
	return path, nil
}

func show(rows []row) error {
	var text strings.Builder
	text.WriteString("| figure\t| goal\t| measured\t| reached\t|\n|---\t|---\t|---\t|---\t|\n")
	for _, r := range rows {
		verdict := "yes"
		if !r.reached {
			verdict = "**no**"
		}
		text.WriteString("| " + strings.Join([]string{r.figure, r.goal, r.measured, verdict}, "\t| ") + "\t|\n")
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	if _, err := io.WriteString(w, text.String()); err != nil {
		return err
	}
	return w.Flush()
}

// progress reports on stderr what is running.
func progress(format string, v ...any) { fmt.Fprintf(os.Stderr, format+"\n", v...) }

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile is the value that a part of all is below.
func quantile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}
