package simulation

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// pipes is a listener in memory.
type pipes struct {
	name   string
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newPipes(name string) *pipes {
	return &pipes{name: name, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipes) Addr() net.Addr { return place(l.name) }

// connect returns the other end of a new connection.
func (l *pipes) connect(from *process, target int) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- &door{Conn: there, by: from, target: target}:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

type place string

func (place) Network() string  { return "pipe" }
func (p place) String() string { return string(p) }

// door is the target's end of a connection: it knows whose it is.
type door struct {
	net.Conn
	by     *process
	target int
}

func (d *door) owner() *process { return d.by }

func (d *door) RemoteAddr() net.Addr { return place(d.by.name) }

// outlet is a process's end of a connection to a target. net/http closes it when a delivery
// is cut off. If several are cut off at the same instant, they end one after another, in the
// order of their messages, so that what follows has an order. This is done only until the
// answer begins to arrive: net/http then holds a mutex that a reader of the answer needs, and
// a bubble's time stands still while anything waits for a mutex.
type outlet struct {
	net.Conn
	by *process

	mu      sync.Mutex
	message string // whose answer has not begun; "" if none
	once    sync.Once
}

var idHeader = []byte("X-Poller-Message-Id: ")

func (o *outlet) Write(b []byte) (int, error) {
	if _, after, found := bytes.Cut(b, idHeader); found {
		id, _, _ := bytes.Cut(after, []byte("\r"))
		o.mu.Lock()
		o.message = string(id)
		o.mu.Unlock()
	}
	time.Sleep(o.by.standsFor())
	return o.Conn.Write(b)
}

func (o *outlet) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	time.Sleep(o.by.standsFor())
	o.mu.Lock()
	o.message = ""
	o.mu.Unlock()
	return n, err
}

func (o *outlet) Close() error {
	o.once.Do(func() {
		o.mu.Lock()
		id := o.message
		o.mu.Unlock()
		if id != "" && !o.by.isDead() {
			time.Sleep(o.by.world.plan.dice.of("close "+id).between(0, time.Microsecond))
		}
		o.by.forget(o)
	})
	return o.Conn.Close()
}
