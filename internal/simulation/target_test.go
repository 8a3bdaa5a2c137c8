package simulation

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// target is one downstream: an HTTP server over pipes.
type target struct {
	world  *world
	number int
	plan   *targetPlan
	listen *pipes
	server *http.Server

	running atomic.Int32 // deliveries
	limited limited

	taken     atomic.Int32 // deliveries that were not refused, of a target with capacities
	serving   sync.Mutex   // guards what follows
	busyUntil []instant    // its servers, if it has so many
}

type doorKey struct{}

func newTarget(w *world, number int) *target {
	t := &target{world: w, number: number, plan: &w.plan.targets[number], listen: newPipes(w.plan.targets[number].name)}
	t.server = &http.Server{
		Handler:  t,
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, doorKey{}, c.(interface{ owner() *process }).owner())
		},
	}
	var listener net.Listener = t.listen
	if w.plan.goAway() > 0 {
		t.server.Protocols = new(http.Protocols)
		t.server.Protocols.SetUnencryptedHTTP2(true)
		listener = &http2Pipes{t.listen, w}
	}
	w.work.Go(func() { _ = t.server.Serve(listener) })
	return t
}

// arrive notes what a request carries. The request is broken if its connection was.
func (t *target) arrive(by *process, r *http.Request) (*request, error) {
	body, err := io.ReadAll(r.Body)
	if t.plan.batch != nil {
		return t.arriveBatch(by, body, err)
	}
	count, _ := strconv.Atoi(r.Header.Get("X-Poller-Receive-Count"))
	q := new(request)
	t.carries(q, by, parcel{r.Header.Get("X-Poller-Message-Id"), count, string(body)}, err != nil)
	return q, err
}

// parcel is one message as a request carries it.
type parcel struct {
	id    string
	count int // of its receives
	body  string
}

// carries notes one message of a request.
func (t *target) carries(q *request, by *process, p parcel, broken bool) {
	n, known := t.world.messageOf(p.id)
	d := &delivery{request: q, by: by, target: t.number, message: n, count: p.count, arrived: t.world.now(), ended: never}
	d.number = by.nth(fmt.Sprintf("delivery m%d", n))
	q.all = append(q.all, d)
	t.world.evidence.arrives(d)
	switch {
	case broken:
	case !known:
		t.world.wrong("a target got a message that nobody has sent: %q", p.id)
	case p.body != bodyOf(n, t.world.plan.sends[n].size):
		t.world.wrong("m%d reached its target with another body", n)
	}
}

// turn draws how the delivery of one message ends.
func (t *target) turn(by *process, d *delivery) turn {
	plan := t.world.plan
	f := t.plan.turnOf(plan.dice.of("turn", t.number, by.number, d.message, d.number), d.arrived, plan.trouble, plan.sends[d.message].poison, plan.storm != nil)
	plan.wideTurn(plan.dice.of("wide turn", t.number, by.number, d.message, d.number), d.message, d.arrived, &f)
	return f
}

// ServeHTTP takes one request.
func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by := r.Context().Value(doorKey{}).(*process)
	q, err := t.arrive(by, r)
	if len(q.all) == 0 {
		return // cut off before it said anything
	}
	d := q.all[0]
	n := d.message
	if err != nil {
		t.end(q, r, 0, "broken")
		return
	}

	running := t.running.Add(1)
	defer t.running.Add(-1)
	plan := t.world.plan
	f := t.turn(by, d)
	if t.plan.batch != nil {
		f = t.turnOfBatch(by, q, f)
	}
	if c := t.plan.crowd; c != nil && f.status/100 == 2 && int(running) > c.most && c.from <= d.arrived && d.arrived < c.to {
		f = turn{before: f.before / 20, after: f.after / 20, status: c.status}
	}
	if c, _ := t.plan.capacityAt(d.arrived); c.most > 0 {
		f.before *= time.Duration(max(c.slower, 1))
		f.after *= time.Duration(max(c.slower, 1))
		switch {
		case c.status == 0:
			d.waited = t.serve(d.arrived, c, f.before+f.after)
			f.before += d.waited
		case int(t.taken.Add(1)) > c.most: // those that are refused take nobody's place
			t.taken.Add(-1)
			f = turn{before: f.before / 20, after: f.after / 20, status: c.status}
			d.crowded = true
		default:
			defer t.taken.Add(-1)
		}
	}
	says := func(http.Header) *told { return nil }
	if l := t.plan.limit; l != nil && d.arrived < plan.trouble {
		dice := plan.dice.of("limit", t.number, by.number, n, d.number)
		remaining, reset, ok := t.limited.take(d.arrived, l)
		if !ok {
			f = turn{before: f.before / 20, after: f.after / 20, status: http.StatusTooManyRequests}
			d.limited = true
		}
		if dice.of("late").chance(l.late) {
			f.after += 2 * time.Second
		}
		says = func(h http.Header) *told { return l.write(dice.of("says"), h, time.Now(), remaining, reset, ok) }
	}
	if !wait(r.Context(), f.before) || !wait(r.Context(), f.after) {
		t.end(q, r, 0, "gone")
		return
	}
	switch f.how {
	case "hangs":
		<-r.Context().Done()
		t.end(q, r, 0, "gone")
	case "":
		if f.retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
			for _, each := range q.all {
				each.retryAfter = f.retryAfter
			}
		}
		d.told = says(w.Header())
		if d.told != nil && d.told.remaining == 0 && d.retryAfter > 0 {
			d.told.reset = time.Duration(d.retryAfter) * time.Second // which says it best
		}
		if f.body > 0 {
			w.Header().Set("Content-Length", strconv.Itoa(f.body))
		}
		if f.answer != nil && f.status/100 == 2 {
			f.answer.end(t, q, r, w)
			return
		}
		t.end(q, r, f.status, "")
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, strings.Repeat(".", f.body))
	default:
		if r.ProtoMajor == 2 {
			t.end(q, r, 0, f.how)
			panic(http.ErrAbortHandler)
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.end(q, r, 0, "gone")
			return
		}
		t.end(q, r, 0, f.how)
		switch f.how {
		case "garbage":
			_, _ = io.WriteString(conn, "what do you mean?\r\n\r\n")
		case "cut-middle":
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
		}
		_ = conn.Close()
	}
}

// end notes how a request ended as a whole.
func (t *target) end(q *request, r *http.Request, status int, how string) {
	if status != 0 && r.Context().Err() != nil {
		status, how = 0, "gone"
	}
	q.whole = status/100 != 2
	for _, d := range q.all {
		t.world.evidence.ends(d, t.world.now(), status, how)
	}
}

// wait sleeps until the time is over, or the client has gone.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func bodyOf(message, size int) string {
	return fmt.Sprintf(`{"message":%d,"pad":%q}`, message, strings.Repeat("x", size))
}
