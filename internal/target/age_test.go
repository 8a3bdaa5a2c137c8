package target

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// lives records when connections were made and when this side closed them.
type lives struct {
	dial func(context.Context, string, string) (net.Conn, error)

	mu    sync.Mutex
	all   []*life
	worst time.Duration // of all closed connections
}

type life struct {
	net.Conn
	of         *lives
	begun, end time.Time
}

func (l *lives) connect(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := l.dial(ctx, network, address)
	l.mu.Lock()
	defer l.mu.Unlock()
	one := &life{Conn: c, of: l, begun: time.Now()}
	l.all = append(l.all, one)
	return one, err
}

func (l *life) Close() error {
	l.of.mu.Lock()
	if l.end.IsZero() {
		l.end = time.Now()
		l.of.worst = max(l.of.worst, l.end.Sub(l.begun))
	}
	l.of.mu.Unlock()
	return l.Conn.Close()
}

// count returns how many connections were made, and how many are open.
func (l *lives) count() (made, open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		if one.end.IsZero() {
			open++
		}
	}
	return len(l.all), open
}

// slow answers after the duration in the body.
func slow(_ int, r *http.Request, c net.Conn) bool {
	took, _ := time.ParseDuration(r.Header.Get("X-Poller-Attr-Takes"))
	<-time.After(took)
	_, err := io.WriteString(c, ok200)
	return err == nil
}

func takes(d time.Duration) *message.Message {
	m := msg("x")
	m.Attributes = map[string]message.Attribute{"Takes": {DataType: "String", StringValue: d.String()}}
	return m
}

func TestNoConnectionGetsOldThoughItIsNeverIdle(t *testing.T) {
	cert, pool := certificate(t)
	for protocol, connect := range map[string]func(*testing.T) (*HTTP, *lives){
		"HTTP/1": func(t *testing.T) (*HTTP, *lives) {
			t.Helper()
			l := &lives{dial: (&wire{answer: slow}).dial}
			return over(t, &wire{}, func(o *Options) { o.DialContext = l.connect }), l
		},
		"HTTP/2": func(t *testing.T) (*HTTP, *lives) {
			t.Helper()
			f := &refuser{certificate: cert, refuse: func(c io.Writer, stream uint32) {
				time.AfterFunc(5*time.Second, func() { frame(c, 1, 5, stream, 0x88) })
			}}
			l := &lives{dial: f.dial}
			return overTLS(t, l.connect, pool), l
		},
	} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target, l := connect(t)
				var all sync.WaitGroup
				for i := range 4 {
					all.Go(func() {
						<-time.After(time.Duration(i) * 1200 * time.Millisecond) // so that an HTTP/2 connection is never idle
						for begun := time.Now(); time.Since(begun) < time.Hour; {
							expect(t, target.Deliver(t.Context(), "orders", takes(5*time.Second)), message.Delivered, 200, "2xx")
						}
					})
				}
				all.Wait()
				<-time.After(idleTimeout)
				synctest.Wait()
				made, open := l.count()
				least, most := 10, 14
				if protocol == "HTTP/1" {
					least, most = 4*least, 4*most
				}
				if made < least || made > most {
					t.Errorf("%d connections in an hour, want %d to %d", made, least, most)
				}
				if open != 0 {
					t.Errorf("%d connections are open after %s without a request", open, idleTimeout)
				}
				if l.worst > 340*time.Second || l.worst < 290*time.Second {
					t.Errorf("one was kept for %s", l.worst)
				}
			})
		})
	}
}

func TestTheAgeOfAConnectionCutsNoDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lives{dial: (&wire{answer: slow}).dial}
		target := over(t, &wire{}, func(o *Options) { o.DialContext, o.Timeout = l.connect, time.Hour })
		begun := time.Now()
		expect(t, target.Deliver(t.Context(), "orders", takes(20*time.Minute)), message.Delivered, 200, "2xx")
		if took := time.Since(begun); took != 20*time.Minute {
			t.Errorf("took %s", took)
		}
		synctest.Wait()
		if made, open := l.count(); made != 1 || open != 0 {
			t.Errorf("%d connections, %d of them open", made, open)
		}
	})
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lives{dial: (&wire{answer: slow}).dial}
		target := over(t, &wire{}, func(o *Options) { o.DialContext = l.connect })
		for range 3 {
			expect(t, target.Deliver(t.Context(), "orders", takes(time.Second)), message.Delivered, 200, "2xx")
			<-time.After(idleTimeout - time.Second)
		}
		if made, open := l.count(); made != 1 || open != 1 {
			t.Errorf("%d connections, %d of them open, before it was idle for long", made, open)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if _, open := l.count(); open != 0 {
			t.Error("it is still open")
		}
		target.Close()
		target.Close()
	})
}

func TestConnectionsDoNotAllEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lives{dial: (&wire{answer: slow}).dial}
		target := over(t, &wire{}, func(o *Options) { o.DialContext, o.Slots = l.connect, 40 })
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				for begun := time.Now(); time.Since(begun) < 6*time.Minute; {
					target.Deliver(t.Context(), "orders", takes(5*time.Second))
				}
			})
		}
		all.Wait()
		at := make(map[time.Duration]int)
		for _, one := range l.all {
			if !one.end.IsZero() {
				at[one.end.Sub(one.begun).Truncate(10*time.Second)]++
			}
		}
		for age, n := range at {
			if n > 10 {
				t.Errorf("%d of 40 ended at the age of %s", n, age)
			}
		}
		if len(at) < 6 {
			t.Errorf("they ended at %v", at)
		}
	})
}
