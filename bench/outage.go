package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	outageBacklog = 200
	outageSlots   = 10
	outageEach    = 200 * time.Millisecond // one more message
	outageAfter   = time.Second            // since the first delivery
	outageFor     = 30 * time.Second
	outageTakes   = 200 * time.Millisecond
	outageEarly   = 3 * time.Second // by then the gate is closed
)

// survived is the result of an outage.
type survived struct {
	dead, lost, burned int
	receives, tries    int     // in the outage
	first              float64 // s from its end to the first delivery that begins and succeeds
	caught, ideal      float64 // s from there to the last one
	early              int     // of the tries, those of the first 3 s
}

// outages takes the target down for 30 s in each way.
func outages(ctx context.Context, o options) ([]row, error) {
	ways := []string{refuse, "503", "500", "404", hang, reset}
	all := make([][]survived, len(ways))
	failures := make([]error, len(ways))
	var running sync.WaitGroup
	for i, how := range ways { // in parallel: they wait most of the time
		running.Go(func() {
			for range o.outages {
				s, err := survive(ctx, o, how)
				if err != nil {
					failures[i] = fmt.Errorf("%s: %w", how, err)
					return
				}
				progress("  %-6s %+v", how, s)
				all[i] = append(all[i], s)
			}
		})
	}
	running.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	var each []string
	for i, how := range ways {
		each = append(each, fmt.Sprintf("%s %.2f", how, mean(all[i], func(s survived) float64 { return s.first })))
	}
	runs := slices.Concat(all...)
	worst := func(pick func(survived) int) float64 {
		most := 0
		for _, s := range runs {
			most = max(most, pick(s))
		}
		return float64(most)
	}
	longest := slices.MaxFunc(runs, func(a, b survived) int { return int(1000 * (a.first - b.first)) }).first
	first := below("outage: s to the first delivery after it, mean", mean(runs, func(s survived) float64 { return s.first }), 2, "%.2f")
	first.measured += fmt.Sprintf(" (%d runs, the longest %.2f; %s)", len(runs), longest, strings.Join(each, ", "))
	caught := mean(runs, func(s survived) float64 { return s.caught })
	ideal := mean(runs, func(s survived) float64 { return s.ideal })
	behind := row{
		figure: "outage: from there to the last delivery, time ÷ ideal", goal: "not set",
		measured: fmt.Sprintf("%.2f (%.1f s, %.1f)", caught/ideal, caught, ideal), reached: true,
	}
	tries := below("outage: tries in it, the most", worst(func(s survived) int { return s.tries }), 60, "%.0f")
	tries.measured += fmt.Sprintf(" (after %s %.0f)", outageEarly, worst(func(s survived) int { return s.tries - s.early }))
	return []row{
		below("outage of 30 s: in the dead-letter queue, the most", worst(func(s survived) int { return s.dead }), 0, "%.0f"),
		below("outage: lost", worst(func(s survived) int { return s.lost }), 0, "%.0f"),
		below("outage: receives wasted, the most", worst(func(s survived) int { return s.burned }), 0, "%.0f"),
		below("outage: receives in it, the most", worst(func(s survived) int { return s.receives }), 60, "%.0f"),
		tries,
		first,
		behind,
	}, nil
}

func mean(all []survived, pick func(survived) float64) float64 {
	sum := 0.0
	for _, s := range all {
		sum += pick(s)
	}
	return sum / float64(len(all))
}

// survive is one outage: it begins while most of the backlog still waits.
func survive(ctx context.Context, o options, how string) (survived, error) {
	t, err := newTrial(ctx, o, 3, sinkWays{Takes: outageTakes})
	if err != nil {
		return survived{}, err
	}
	defer t.close()
	if err := t.fill(ctx, outageBacklog, func(int) string { return "{}" }); err != nil {
		return survived{}, err
	}
	if t.page, err = freeAddress(ctx); err != nil {
		return survived{}, err
	}
	w, err := t.poller(ctx, o.poller, "/", outageSlots, "--visibility-timeout", "5s", "--timeout", "5s")
	if err != nil {
		return survived{}, err
	}
	defer w.abandon()
	err = until(ctx, 10*time.Second, func() (bool, error) {
		s, err := t.sunk(ctx)
		return len(s.Tries) > 0, err
	})
	if err != nil {
		return survived{}, err
	}
	sent := make(chan error, 1)
	more := int(outageFor / outageEach)
	go func() { sent <- t.sendEach(ctx, more) }()
	if err := pause(ctx, outageAfter); err != nil {
		return survived{}, err
	}
	out, err := t.away(ctx, how, outageFor)
	if err != nil {
		return survived{}, err
	}
	// Deliveries that were already running are not tries during the outage.
	if err := pause(ctx, outageTakes/2); err != nil {
		return survived{}, err
	}
	before, err := requestsOf(ctx, t.page)
	if err != nil {
		return survived{}, err
	}
	if err := pause(ctx, time.Until(out.From.Add(outageEarly))); err != nil {
		return survived{}, err
	}
	early, err := requestsOf(ctx, t.page)
	if err != nil {
		return survived{}, err
	}
	if err := pause(ctx, time.Until(out.To)); err != nil {
		return survived{}, err
	}
	after, err := requestsOf(ctx, t.page)
	if err != nil {
		return survived{}, err
	}
	if err := <-sent; err != nil {
		return survived{}, err
	}
	all := outageBacklog + more
	s, dead, err := t.settled(ctx, all, 0, time.Minute)
	if err != nil {
		return survived{}, err
	}
	received, err := t.received(ctx)
	if err != nil {
		return survived{}, err
	}
	out = s.Outage
	r := survived{
		dead: dead, lost: all - dead - len(s.delivered()), burned: len(received) - all,
		receives: len(slices.DeleteFunc(received, func(at time.Time) bool { return !out.on(at) })),
		tries:    s.count(func(t try) bool { return t.First && out.on(t.At) }),
		early:    s.count(func(t try) bool { return t.First && out.on(t.At) && t.At.Sub(out.From) < outageEarly }),
	}
	if how == refuse { // the sink does not see them
		r.tries, r.early = after-before, early-before
	}
	var first, last time.Time
	for _, t := range s.Tries {
		if t.Status != http.StatusOK || t.At.Before(out.To) {
			continue
		}
		if first.IsZero() {
			first = t.At
		}
		r.ideal += outageTakes.Seconds() / outageSlots / float64(max(o.batch, 1))
		last = t.Answered
	}
	r.first, r.caught = first.Sub(out.To).Seconds(), last.Sub(first).Seconds()
	return r, nil
}

// sendEach sends n messages, one every outageEach.
func (s *stage) sendEach(ctx context.Context, n int) error {
	tick := time.NewTicker(outageEach)
	defer tick.Stop()
	for range n {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := s.send(ctx, 0, 1, func(int) string { return "{}" }); err != nil {
			return err
		}
	}
	return nil
}

// freeAddress returns a free address for the worker's page.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// requestsOf returns how many requests the worker reports, whatever came of them.
func requestsOf(ctx context.Context, page string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+page+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	sum := 0.0
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "poller_requests_total{") {
			n, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return int(sum), nil
}
