package simulation

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/admin/pagetest"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// steadyRun draws a run in which nothing changes: a backlog, messages that keep arriving more
// slowly than they are delivered, and one or two replicas.
func steadyRun(seed uint64) (s *scenario, speed, arriving float64) {
	d := dice(seed).of("steady")
	s = staged(seed)
	t := &s.targets[0]
	t.timeout = 20 * time.Second
	t.limits = ratelimit.Limits{Concurrency: d.of("slots").from(5, 40), Burst: 1}
	t.fastest = d.of("fastest").between(5*time.Millisecond, 200*time.Millisecond)
	t.slowest = t.fastest + d.of("slowest").between(time.Millisecond, 400*time.Millisecond)
	speed = float64(t.limits.Concurrency) / ((t.fastest + t.slowest) / 2).Seconds()
	if rate := pick(d.of("rate"), 10.0, 20, 28, 50, 100); d.of("limited?").chance(0.7) && rate < speed {
		t.limits.Limited, t.limits.Rate, speed = true, rate, rate
	}
	if d.of("replicas").chance(0.3) {
		s.replicas = append(s.replicas, replicaPlan{start: 200 * time.Millisecond})
		speed *= 2
	}
	if most := 150.0; speed > most {
		each := most / float64(len(s.replicas))
		t.limits.Limited, t.limits.Rate, speed = true, each, most
	}
	arriving = speed * pick(d.of("arriving"), 0, 0.2, 0.5)
	lasts := d.of("lasts").between(45*time.Second, 2*time.Minute)
	n := int((speed - arriving) * lasts.Seconds())
	if d.of("idle first").chance(0.5) {
		s.sends = append(s.sends, sendPlan{size: 50}) // and then all of them, to an idle worker
	}
	begin := time.Duration(len(s.sends)) * 90 * time.Second
	for range n {
		s.sends = append(s.sends, sendPlan{at: begin, size: 50})
	}
	for at := begin; arriving > 0 && at < begin+2*lasts; at += time.Duration(float64(time.Second) / arriving) {
		s.sends = append(s.sends, sendPlan{at: at, size: 50})
	}
	s.trouble = time.Second
	return s, speed, arriving
}

// firstSeeds returns the seeds from 1 to n.
func firstSeeds(n uint64) (seeds []uint64) {
	for seed := range n {
		seeds = append(seeds, seed+1)
	}
	return seeds
}

// prediction is what a daemon said of its queue, and when.
type prediction struct {
	at   instant
	said admin.Queue
}

// watch asks each process once a second until the queue has hardly anything
// visible.
func (w *world) watch(begin instant) (said [][]prediction, emptied instant) {
	w.until(begin)
	for w.now() < begin+10*time.Minute {
		w.until(w.now() + time.Second)
		w.evidence.mu.Lock()
		processes := w.evidence.processes
		w.evidence.mu.Unlock()
		said = append(said, make([][]prediction, max(len(processes)-len(said), 0))...)
		for i, p := range processes {
			if queues := p.app.Status(time.Now()).Queues; len(queues) > 0 {
				said[i] = append(said[i], prediction{w.now(), queues[0]})
			}
		}
		if visible, _, _, _ := w.sqs.Depth(w.plan.queues[0].name); visible <= 10 {
			break // what arrives is received as it comes
		}
	}
	return said, w.now()
}

// TestTheTimeToEmptyIsRight: within 10 % after 15 s of a steady run, 40 s with another
// replica, and its resolution: deletes linger for up to 5 s, the end is seen once a second,
// and a batch or two is in hand when it comes.
func TestTheTimeToEmptyIsRight(t *testing.T) {
	steady := []uint64{6, 17} // the shortest: with one replica, and with two
	if *whole {
		steady = firstSeeds(20)
	}
	for _, seed := range steady {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			s, speed, arriving := steadyRun(seed)
			w := newWorld(s)
			begin := s.sends[len(s.sends)/2].at
			if arriving == 0 {
				begin = s.sends[len(s.sends)-1].at
			} else {
				begin = begin.Truncate(90 * time.Second)
			}
			var said [][]prediction
			var emptied instant
			synctest.Test(t, func(t *testing.T) {
				w.beside = func() { said, emptied = w.watch(begin) }
				w.run(t.Context())
			})
			about := fmt.Sprintf("%d slots, rate %v, %d replicas, %.0f/s, %.0f/s arriving, empty after %v", s.targets[0].limits.Concurrency,
				s.targets[0].limits.Rate, len(s.replicas), speed, arriving, emptied-begin)
			settled := 16 * time.Second
			if len(s.replicas) > 1 {
				settled = 40 * time.Second // the other's deletes come by tens
			}
			compared := 0
			for _, by := range said {
				for _, p := range by {
					if p.at < begin+settled || p.at > emptied-5*time.Second {
						continue
					}
					compared++
					left := (emptied - p.at).Seconds()
					if p.said.DrainState != admin.DrainShrinking || math.Abs(float64(p.said.Drain)-left) > 0.1*left+2+20/(speed-arriving) {
						t.Errorf("%s: at %v it says %s, %.1f s, and it is %.1f s", about, p.at-begin, p.said.DrainState, float64(p.said.Drain), left)
					}
				}
			}
			if compared < 10 {
				t.Errorf("%s: compared %d times", about, compared)
			}
		})
	}
}

// TestNoPageContradictsItself looks at a daemon's page every few seconds, in worlds in which
// everything goes wrong that does in others, except that they do not heal.
func TestNoPageContradictsItself(t *testing.T) {
	verdicts := new(verdictsSeen)
	pages := firstSeeds(40)
	if *whole {
		t.Cleanup(func() { verdicts.check(t) })
	} else {
		pages = pages[5:15]
	}
	for _, seed := range pages {
		s := draw(seed, 0.3)
		if len(s.queues) > 1 || len(s.targets) > 1 {
			continue
		}
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			for i := range s.replicas {
				s.replicas[i].moves = slices.DeleteFunc(s.replicas[i].moves, func(m move) bool { return m.kind != reload })
			}
			w := newWorld(s)
			synctest.Test(t, func(t *testing.T) {
				w.beside = func() { w.readPages(t, verdicts) }
				w.run(t.Context())
			})
		})
	}
}

// readPages reads the page of each process until the world is well again.
func (w *world) readPages(t *testing.T, seen *verdictsSeen) {
	t.Helper()
	well := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.healed != never
	}
	for w.ctx.Err() == nil && !well() && w.now() < w.plan.trouble+30*time.Minute {
		w.until(w.now() + 2*time.Second)
		w.evidence.mu.Lock()
		processes := w.evidence.processes
		w.evidence.mu.Unlock()
		for _, p := range processes {
			page, ok := p.page()
			if !ok {
				continue
			}
			seen.add(page.Verdict)
			for _, c := range page.Contradictions() {
				t.Errorf("%s at %v: %s", p.name, w.now(), c)
			}
		}
	}
}

// page reads the process's page.
func (p *process) page() (pagetest.Page, bool) {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return p.admin.connect(p, 0) },
	}}
	r, err := http.NewRequestWithContext(p.world.ctx, http.MethodGet, "http://admin/", nil)
	if err != nil {
		return pagetest.Page{}, false
	}
	answer, err := client.Do(r)
	if err != nil {
		return pagetest.Page{}, false
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return pagetest.Page{}, false
	}
	return pagetest.Read(string(body))
}

// verdictsSeen are the first words of the verdicts seen, as proof that the page was looked at
// in every state.
type verdictsSeen struct {
	mu   sync.Mutex // guards what follows
	seen map[string]int
}

func (v *verdictsSeen) add(verdict string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = make(map[string]int)
	}
	for _, part := range []string{"Keeping up: the queue is empty", "Keeping up", "Behind", "is down", "coming back", "SQS ", "Paused", "fails", "Catching up", "Delivering the last"} {
		if strings.Contains(verdict, part) {
			v.seen[part]++
			return
		}
	}
}

func (v *verdictsSeen) check(t *testing.T) {
	t.Helper()
	for _, part := range []string{"Keeping up: the queue is empty", "Keeping up", "Behind", "is down", "SQS ", "Paused"} {
		if v.seen[part] == 0 {
			t.Errorf("no page said %q: %v", part, v.seen)
		}
	}
}
