package main

import (
	"context"
	"fmt"
	"net/http"
)

// inBatch is how many messages a request carries at most in what follows.
const inBatch = 10

// batches measures what several messages in one request cost, and that they lose nothing by
// each other in an outage, in a brown-out and beside poison.
func batches(ctx context.Context, o options) ([]row, error) {
	rows, err := batched(ctx, o)
	if err != nil {
		return nil, err
	}
	o.batch = inBatch
	for _, measure := range []func() ([]row, error){
		func() ([]row, error) { return outages(ctx, o) },
		func() ([]row, error) { return brownOut(ctx, o) },
		func() ([]row, error) {
			const soon, later = 6.5, 30
			return poisonIn(ctx, o,
				spoiled{within: soon},
				spoiled{within: soon, traffic: true},
				spoiled{status: http.StatusInternalServerError, within: later, whole: true},
				spoiled{status: http.StatusInternalServerError, within: later, whole: true, traffic: true},
			)
		},
	} {
		more, err := measure()
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// batched has the worker deliver the same backlog one message at a time and in events, in
// turn.
func batched(ctx context.Context, o options) ([]row, error) {
	var single, events []figures
	for round := range max(1, o.rounds/2) {
		for _, batch := range []int{0, inBatch} {
			o.batch = batch
			f, err := backlog(ctx, o, o.poller)
			if err != nil {
				return nil, err
			}
			progress("  round %d  %2d in a request  %.1f µs a message, %.0f a second, %.3f requests", round+1, max(1, batch), f.cpu, f.rate, f.asked)
			if batch == 0 {
				single = append(single, f)
			} else {
				events = append(events, f)
			}
		}
	}
	of := func(all []figures, pick func(figures) float64) float64 {
		var values []float64
		for _, f := range all {
			values = append(values, pick(f))
		}
		return median(values)
	}
	cpu := func(f figures) float64 { return f.cpu }
	rate := func(f figures) float64 { return f.rate }
	spent := below("CPU per message ÷ one a request", of(events, cpu)/of(single, cpu), 1, "%.2f")
	spent.measured += fmt.Sprintf(" (%.1f µs, %.1f)", of(events, cpu), of(single, cpu))
	pace := above("messages per second ÷ one a request", of(events, rate)/of(single, rate), 1, "%.2f")
	pace.measured += fmt.Sprintf(" (%.0f, %.0f)", of(events, rate), of(single, rate))
	return o.named([]row{
		below("requests to the target per message under load", of(events, func(f figures) float64 { return f.asked }), 0.11, "%.3f"),
		below("SQS requests per message under load", of(events, func(f figures) float64 { return f.requests }), 0.22, "%.3f"),
		spent,
		pace,
	}), nil
}

// named returns rows with how many messages a request carries in their names.
func (o options) named(rows []row) []row {
	if o.batch > 0 {
		for i := range rows {
			rows[i].figure = fmt.Sprintf("lambda, --batch %d: ", o.batch) + rows[i].figure
		}
	}
	return rows
}
