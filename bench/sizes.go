package main

import (
	"context"
	"fmt"
)

// sized is how bodies of one size are measured.
type sized struct {
	name     string
	bytes    int
	messages int
	cpu      float64 // goal: CPU a message ÷ floor
}

var allSizes = []sized{
	{"200 B", 200, 20_000, 0.85},
	{"4 KiB", 4 << 10, 15_000, 0.9},
	{"64 KiB", 64 << 10, 3_000, 0.75},
	{"1 MiB", 1<<20 - 64, 240, 0.7},
}

// sizes has floor and worker deliver bodies of several sizes in turn.
func sizes(ctx context.Context, o options) ([]row, error) {
	var rows []row
	for _, s := range allSizes {
		progress(" bodies of %s", s.name)
		o.size, o.messages = s.bytes, s.messages
		all := make(map[string][]figures)
		subjects := []string{"", o.poller}
		for round := range o.rounds {
			for i := range subjects {
				subject := subjects[(i+round)%len(subjects)]
				f, err := backlog(ctx, o, subject)
				if err != nil {
					return nil, err
				}
				all[subject] = append(all[subject], f)
				name := "poller"
				if subject == "" {
					name = "floor"
				}
				progress("  round %d of %d  %-7s %.1f µs a message, %.0f a second, %.1f MiB", round+1, o.rounds, name, f.cpu, f.rate, f.memory)
			}
		}
		of := func(subject string, pick func(figures) float64) float64 {
			var values []float64
			for _, f := range all[subject] {
				values = append(values, pick(f))
			}
			return median(values)
		}
		cpu := func(f figures) float64 { return f.cpu }
		rate := func(f figures) float64 { return f.rate }
		memory := func(f figures) float64 { return f.memory }
		spent := below(s.name+": CPU per message ÷ floor", of(o.poller, cpu)/of("", cpu), s.cpu, "%.2f")
		spent.measured += fmt.Sprintf(" (%.0f µs, %.0f)", of(o.poller, cpu), of("", cpu))
		pace := above(s.name+": messages per second ÷ floor", of(o.poller, rate)/of("", rate), 1, "%.2f")
		pace.measured += fmt.Sprintf(" (%.0f, %.0f)", of(o.poller, rate), of("", rate))
		rows = append(rows, spent, pace)
		if s.bytes == 200 {
			rows = append(rows, below(s.name+": peak memory, MiB", of(o.poller, memory), 32, "%.1f"))
		}
	}
	return rows, nil
}
