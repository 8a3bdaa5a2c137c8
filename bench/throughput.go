package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// figures are what one run of one subject came to.
type figures struct {
	cpu      float64 // µs a message
	rate     float64 // messages a second
	requests float64 // to SQS, a message
	sent     int     // requests to the target
	memory   float64 // peak resident, MiB
}

// throughput has floor and worker deliver the same backlog in turn.
func throughput(ctx context.Context, o options) ([]row, error) {
	subjects := []string{"floor", "poller"}
	binaries := map[string]string{"poller": o.poller}
	if o.peer != "" {
		for path := range strings.SplitSeq(o.peer, ",") {
			name := filepath.Base(path)
			subjects = append(subjects, name)
			binaries[name] = path
		}
	}
	all := make(map[string][]figures)
	for round := range o.rounds {
		for i := range subjects {
			subject := subjects[(i+round)%len(subjects)] // none is always the first
			f, err := backlog(ctx, o, binaries[subject])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", subject, err)
			}
			all[subject] = append(all[subject], f)
			progress("  round %d of %d  %-7s %.1f µs a message, %.0f a second, %.1f MiB", round+1, o.rounds, subject, f.cpu, f.rate, f.memory)
		}
	}
	of := func(subject string, pick func(figures) float64) float64 {
		values := make([]float64, len(all[subject]))
		for i, f := range all[subject] {
			values[i] = pick(f)
		}
		return median(values)
	}
	cpu := func(f figures) float64 { return f.cpu }
	rate := func(f figures) float64 { return f.rate }
	memory := func(f figures) float64 { return f.memory }
	for _, s := range subjects {
		progress("  %-7s median %.2f µs a message (%.3f of the floor's), %.0f a second (%.3f), %.1f MiB", s,
			of(s, cpu), of(s, cpu)/of("floor", cpu), of(s, rate), of(s, rate)/of("floor", rate), of(s, memory))
	}
	spent := below("CPU per message ÷ floor", of("poller", cpu)/of("floor", cpu), 1.0, "%.2f")
	spent.measured += fmt.Sprintf(" (%.1f µs, %.1f)", of("poller", cpu), of("floor", cpu))
	pace := above("messages per second ÷ floor", of("poller", rate)/of("floor", rate), 0.95, "%.2f")
	pace.measured += fmt.Sprintf(" (%.0f, %.0f)", of("poller", rate), of("floor", rate))
	resident := below("peak memory in that run, MiB", of("poller", memory), 32, "%.1f")
	resident.measured += fmt.Sprintf(" (floor %.1f)", of("floor", memory))
	asked := below("SQS requests per message under load", of("poller", func(f figures) float64 { return f.requests }), 0.22, "%.3f")
	rows := []row{spent, pace, asked, resident}
	if o.batch > 0 {
		sent := of("poller", func(f figures) float64 { return float64(f.sent) })
		rows = append(rows, o.requestsPerMessage("requests to the target per message under load", int(sent), o.messages))
	}
	return rows, nil
}

// backlog is one run; no binary is the floor.
func backlog(ctx context.Context, o options, binary string) (figures, error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return figures{}, err
	}
	defer s.close()
	text := `{"bench":"` + strings.Repeat("x", max(o.size-12, 0)) + `"}`
	if err := s.fill(ctx, o.messages, func(int) string { return text }); err != nil {
		return figures{}, err
	}
	var w *worker
	if binary == "" {
		w, err = s.floor(ctx, "/", o.concurrency)
	} else {
		w, err = s.poller(ctx, binary, "/", o.concurrency, "--drain-timeout", "6s")
	}
	if err != nil {
		return figures{}, err
	}
	defer w.abandon()
	if _, err = s.delivered(ctx, o.messages); err != nil {
		return figures{}, err
	}
	asked, err := s.asked(ctx)
	if err != nil {
		return figures{}, err
	}
	var log arrivals
	if err := s.target.ask(ctx, "/bench/log", &log); err != nil {
		return figures{}, err
	}
	used, err := w.end()
	if err == nil && used.code != 0 {
		err = fmt.Errorf("it exited with %d", used.code)
	}
	if err != nil {
		return figures{}, err
	}
	// Up to the arrival of 99 in 100: the SDK alone loses the response to one receive in
	// thousands, and the floor waits for those messages.
	n := len(log.At) * 99 / 100
	return figures{
		cpu:      float64(used.cpu.Microseconds()) / float64(o.messages),
		rate:     float64(n) / (float64(log.At[n]-log.At[0]) / 1e9),
		requests: float64(asked.total()) / float64(o.messages),
		sent:     log.Requests,
		memory:   used.peak,
	}, nil
}
