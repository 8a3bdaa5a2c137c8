package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// spoiled is a way to have poison: by its answer, and with good messages coming all
// the time or not.
type spoiled struct {
	status  int
	within  float64 // s
	traffic bool
}

// poison has one message in twenty always answered 500, or 503. Once a backlog of
// 200 is done, the poison is alone in the queue; so it is tried with more to come, too.
func poison(ctx context.Context, o options) ([]row, error) {
	const within500, within503 = 6.5, 30
	ways := []spoiled{
		{http.StatusInternalServerError, within500, false},
		{http.StatusInternalServerError, within500, true},
		{http.StatusServiceUnavailable, within503, false},
		{http.StatusServiceUnavailable, within503, true},
	}
	if o.batch > 0 {
		// A function names them, whatever their status. The last request proves nothing of those
		// that it names, so there has to be more to come.
		ways = ways[1:2]
	}
	rows := make([][]row, len(ways))
	failures := make([]error, len(ways))
	var running sync.WaitGroup
	for i, way := range ways {
		running.Go(func() { rows[i], failures[i] = poisoned(ctx, o, way) })
	}
	running.Wait()
	return slices.Concat(rows...), errors.Join(failures...)
}

func poisoned(ctx context.Context, o options, way spoiled) ([]row, error) {
	const messages, every, receives, limit = 200, 20, 3, 45 * time.Second
	const bad = messages / every
	t, err := newTrial(ctx, o, receives, sinkWays{Takes: 20 * time.Millisecond, Poison: way.status})
	if err != nil {
		return nil, err
	}
	defer t.close()
	backlog := func(i int) string { return body{Poison: i%every == every/2}.String() }
	if err := t.fill(ctx, messages, backlog); err != nil {
		return nil, err
	}
	w, err := t.poller(ctx, o.poller, "/", 10, "--visibility-timeout", "2s")
	if err != nil {
		return nil, err
	}
	defer w.abandon()
	more := 0
	if way.traffic {
		more = int(limit / outageEach)
		traffic, stop := context.WithCancel(ctx)
		defer stop()
		go func() { _ = t.sendEach(traffic, more) }()
	}
	dead := 0
	err = until(ctx, limit, func() (bool, error) {
		var err error
		dead, err = t.buried(ctx)
		return dead >= bad, err
	})
	took := time.Since(w.started)
	if ctx.Err() != nil || (err != nil && took < limit) {
		return nil, err
	}
	s, err := t.sunk(ctx)
	if err != nil {
		return nil, err
	}
	return s.spoiled(way, dead, took), nil
}

// spoiled are the rows of what a sink has seen of poison.
func (s sunk) spoiled(way spoiled, dead int, took time.Duration) []row {
	const good, bad, receives = 190, 10, 3
	again := 0
	for _, n := range s.delivered() {
		again += n - 1
	}
	tries := make(map[string]int)
	for _, t := range s.Tries {
		if t.Poison {
			tries[t.ID]++
		}
	}
	each := slices.Sorted(maps.Values(tries))
	name := fmt.Sprintf("1 in 20 always %d, ", way.status)
	if way.traffic {
		name += "5/s more good ones: "
	} else {
		name += "then nothing: "
	}
	done := above(name+"good ones delivered", float64(len(s.delivered())), good, "%.0f")
	done.measured += fmt.Sprintf(" (%d again)", again)
	done.reached = done.reached && again == 0
	times := row{figure: name + "tries of each poison message", goal: "not set", reached: true}
	if way.status == http.StatusInternalServerError {
		times.goal = fmt.Sprint(receives)
		times.reached = len(each) == bad && each[0] == receives && each[len(each)-1] == receives
	}
	if len(each) > 0 {
		times.measured = fmt.Sprintf("%d to %d", each[0], each[len(each)-1])
	}
	buried := row{figure: name + "in the dead-letter queue", goal: fmt.Sprint(bad), measured: fmt.Sprint(dead), reached: dead == bad}
	last := below(name+"s until they are", took.Seconds(), way.within, "%.1f")
	if !buried.reached {
		last.measured, last.reached = "not in "+last.measured, false
	}
	return []row{done, buried, times, last}
}
