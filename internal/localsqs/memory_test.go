package localsqs

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // the first one only empties the pools into their victims
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fill sends n messages of 1 KiB to a queue without the protocol.
func fill(s *Server, name string, n int) {
	now := s.lock()
	defer s.unlock(now)
	q := s.queues[name]
	for i := range n {
		d := &draft{body: strings.Repeat("x", 1000) + fmt.Sprint(i), delay: -1, details: &noDetails}
		if q.fifo != nil {
			d.details = &details{groupID: fmt.Sprint(i), dedupID: fmt.Sprint(i)}
			d.hasDedup = true
		}
		q.send(d, now)
	}
}

// empty receives and deletes everything in a queue, in a mixed order.
func empty(t *testing.T, s *Server, name string) {
	t.Helper()
	now := s.lock()
	defer s.unlock(now)
	q := s.queues[name]
	var out []delivery
	for {
		some := q.take(ask{limit: 10, visibility: time.Hour}, now)
		if len(some) == 0 {
			break
		}
		out = append(out, some...)
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for _, d := range out {
		if err := q.settle(string(s.ids.appendReceipt(nil, d.receipt))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMemoryFollowsTheBodiesHeld(t *testing.T) {
	for _, name := range []string{"orders", "orders.fifo"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 100_000
				b := newBench(t)
				b.queue(t, name)
				before := heapInUse()
				fill(b.s, name, n)
				full := heapInUse() - before
				if most := uint64(n * 2200); full > most {
					t.Errorf("%d messages of 1 KiB take %d bytes, more than %d", n, full, most)
				}
				empty(t, b.s, name)
				if _, _, _, ok := b.s.Depth(name); !ok {
					t.Fatal("no queue")
				}
				sleep(5*time.Minute + time.Second) // FIFO queues remember duplicates for so long
				if v, f, d, _ := b.s.Depth(name); v+f+d != 0 {
					t.Fatalf("%d messages are left", v+f+d)
				}
				if after := heapInUse(); after > before+full/20 {
					t.Errorf("%d bytes of %d are still held after the last delete", after-before, full)
				}
			})
		})
	}
}

// A line is a sorted list, whatever comes and goes in whatever order.
func TestALineIsAlwaysInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(WithSeed(1))
		var l line
		var in []*message
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				m := s.newMessage(0)
				l.push(&m.spot, rapid.Int64Range(0, 20).Draw(t, "key"))
				in = append(in, m)
			},
			"push in order": func(*rapid.T) {
				m := s.newMessage(0)
				key := int64(0)
				if l.tail != nil {
					key = l.tail.key
				}
				l.push(&m.spot, key)
				in = append(in, m)
			},
			"remove": func(t *rapid.T) {
				if len(in) == 0 {
					t.Skip("empty")
				}
				i := rapid.IntRange(0, len(in)-1).Draw(t, "which")
				l.remove(&in[i].spot)
				l.remove(&in[i].spot) // again: nothing happens
				in = append(in[:i], in[i+1:]...)
			},
			"": func(t *rapid.T) {
				if l.n != len(in) || len(l.all()) != len(in) {
					t.Fatalf("%d nodes, want %d", l.n, len(in))
				}
				first := l.first()
				if (first == nil) != (len(in) == 0) {
					t.Fatalf("first is %v of %d", first, len(in))
				}
				for _, m := range in {
					if m.spot.before(first) {
						t.Fatalf("%d comes before the first, %d", m.spot.key, first.key)
					}
				}
			},
		})
	})
}

func TestMemoryIsReleasedWhenMostOfItIsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := 0
		s := New(WithSeed(1), WithRelease(func() { released++ }))
		defer s.Close()
		_, err := s.CreateQueue("orders", nil)
		wantNone(t, err)
		for _, n := range []int{1_000, 70_000, 70_000} {
			fill(s, "orders", n)
			empty(t, s, "orders")
			sleep(releaseDelay)
			synctest.Wait()
		}
		if released != 2 { // 1 MB was not worth it
			t.Fatalf("released %d times", released)
		}
		fill(s, "orders", 70_000)
		post(t, s, "PurgeQueue", jsonType, `{"QueueUrl":"orders"}`)
		if s.held.bytes != 0 {
			t.Fatalf("%d bytes are held in an empty queue", s.held.bytes)
		}
		sleep(releaseDelay)
		synctest.Wait()
		if released != 3 {
			t.Fatalf("released %d times", released)
		}
	})
}
