package fleet

import (
	"flag"
	"fmt"
	"math"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

var (
	many     = flag.Int("replicas", usualReplicas, "how many replicas a large fleet has")
	atServer = flag.String("server", "", "the address of a Redis or Valkey of nobody else, to time the script on; else one in this process")
)

// TestALargeFleetIsFairAndSettlesAfterACrashOfATenth prints what docs/fleet.md says of 1,000
// replicas: -run LargeFleet -v -replicas 1000.
func TestALargeFleetIsFairAndSettlesAfterACrashOfATenth(t *testing.T) {
	t.Parallel()
	n := *many
	b := budgetOf(float64(n), 4*n)
	w := calmWorld(5, b, n, n, 10*time.Millisecond)
	crash := 75 * time.Second // when all have a share
	warm := 20 * time.Second
	w.at(crash, func() {
		for _, r := range w.replicas[:n/10] {
			r.crash()
		}
	})
	calls := 0
	w.at(warm, func() { calls = w.store.calls })
	w.run(crash)
	calls = w.store.calls - calls
	before := w.count(warm)
	w.run(crash + 20*time.Second)
	if over := w.over(); over > float64(b.Burst)+b.Rate*0.0005 {
		t.Errorf("%.2f over rate × window, burst %d", over, b.Burst)
	}
	mean := float64(sum(before)) / float64(n)
	least, most := float64(slices.Min(before)), float64(slices.Max(before))
	if least < 0.8*mean-2 || most > 1.2*mean+2 || mean < 0.97*b.Rate/float64(n)*(crash-warm).Seconds() {
		t.Errorf("%.0f to %.0f starts each, %.1f on average", least, most, mean)
	}
	settled := w.settledAfter(crash, 0.9*0.97*b.Rate)
	if settled > 5*time.Second {
		t.Errorf("nine tenths of the rate only %v after the crash", settled)
	}
	t.Logf("%d replicas: %.0f calls a second, %.0f to %.0f starts each (%.1f on average), %v after a tenth has crashed the others have what is not reserved",
		n, float64(calls)/(crash-warm).Seconds(), least, most, mean, settled)
}

// settledAfter returns how long after a time the starts of every later second are that many.
func (w *world) settledAfter(t time.Duration, starts float64) time.Duration {
	const step = time.Second
	settled := time.Duration(math.MaxInt64)
	for at := w.now - step; at >= t; at -= step {
		n := 0
		for _, s := range w.starts {
			if s.at >= at && s.at < at+step {
				n++
			}
		}
		if float64(n) < starts {
			break
		}
		settled = at - t
	}
	return settled
}

// TestACallOfALargeFleet prints what a call costs the server: -run CallOfALargeFleet -v
// -replicas 1000 -server 127.0.0.1:6379.
func TestACallOfALargeFleet(t *testing.T) {
	t.Parallel()
	address := *atServer
	if address == "" {
		address = miniredis.RunT(t).Addr()
	}
	r, err := ParseURL("redis://" + address)
	if err != nil {
		t.Fatal(err)
	}
	c := newRedisCoordinator(r, "large")
	t.Cleanup(c.close)
	n := *many
	b := budgetOf(float64(n), 4*n)
	call := func(round, i int) reply {
		q := &request{
			id: fmt.Sprintf("replica-%04d", i), call: int64(round), deadline: 1 << 61, budget: b, busy: true, grown: true, want: 1, about: `{"host":"h"}`,
		}
		a, err := c.call(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	rounds, began := 0, time.Now()
	for round := 1; round <= 3 || *atServer != "" && time.Since(began) < 10*time.Second; round++ { // past its first pause
		rounds++
		for i := range n {
			if a := call(round, i); a.kind != quiet && a.kind != granted {
				t.Fatalf("%+v", a)
			}
		}
	}
	took := time.Since(began) / time.Duration(rounds*n)
	stats := ""
	if *atServer != "" {
		text, _ := c.client.Info(t.Context(), "commandstats").Result()
		stats = regexp.MustCompile(`cmdstat_evalsha:\S*`).FindString(text)
	}
	t.Logf("%d members: a call and its trip take %v; %s", n, took.Round(time.Microsecond), stats)
}
