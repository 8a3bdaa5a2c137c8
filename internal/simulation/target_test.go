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

// ServeHTTP takes one delivery.
func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by := r.Context().Value(doorKey{}).(*process)
	body, err := io.ReadAll(r.Body)
	d := &delivery{by: by, target: t.number, arrived: t.world.now(), ended: never}
	n, known := t.world.messageOf(r.Header.Get("X-Poller-Message-Id"))
	d.message = n
	d.count, _ = strconv.Atoi(r.Header.Get("X-Poller-Receive-Count"))
	d.number = by.nth(fmt.Sprintf("delivery m%d", n))
	t.world.evidence.arrives(d)
	switch {
	case err != nil:
		t.end(d, r, 0, "broken")
		return
	case !known:
		t.world.wrong("a target got a message that nobody has sent: %q", r.Header.Get("X-Poller-Message-Id"))
	case string(body) != bodyOf(n, t.world.plan.sends[n].size):
		t.world.wrong("m%d reached its target with another body", n)
	}

	running := t.running.Add(1)
	defer t.running.Add(-1)
	plan := t.world.plan
	f := t.plan.turnOf(plan.dice.of("turn", t.number, by.number, n, d.number), d.arrived, plan.trouble, plan.sends[n].poison, plan.storm != nil)
	plan.wideTurn(plan.dice.of("wide turn", t.number, by.number, n, d.number), n, d.arrived, &f)
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
		t.end(d, r, 0, "gone")
		return
	}
	switch f.how {
	case "hangs":
		<-r.Context().Done()
		t.end(d, r, 0, "gone")
	case "":
		if f.retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
			d.retryAfter = f.retryAfter
		}
		d.told = says(w.Header())
		if d.told != nil && d.told.remaining == 0 && d.retryAfter > 0 {
			d.told.reset = time.Duration(d.retryAfter) * time.Second // which says it best
		}
		if f.body > 0 {
			w.Header().Set("Content-Length", strconv.Itoa(f.body))
		}
		t.end(d, r, f.status, "")
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, strings.Repeat(".", f.body))
	default:
		if r.ProtoMajor == 2 {
			t.end(d, r, 0, f.how)
			panic(http.ErrAbortHandler)
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.end(d, r, 0, "gone")
			return
		}
		t.end(d, r, 0, f.how)
		switch f.how {
		case "garbage":
			_, _ = io.WriteString(conn, "what do you mean?\r\n\r\n")
		case "cut-middle":
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
		}
		_ = conn.Close()
	}
}

func (t *target) end(d *delivery, r *http.Request, status int, how string) {
	if status != 0 && r.Context().Err() != nil {
		status, how = 0, "gone"
	}
	t.world.evidence.ends(d, t.world.now(), status, how)
}

// wait sleeps until it is over, or the client has gone.
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
