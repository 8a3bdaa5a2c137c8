//go:build fleet

package fleet

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// network is a proxy before the server that does to calls what networks do.
type network struct {
	t        *testing.T
	listener net.Listener

	mu      sync.Mutex
	where   string
	open    []net.Conn
	trouble trouble
	passes  chan struct{} // closed while it leads through
}

// trouble is what befalls a chunk of bytes, which is a call or an answer, with these odds.
type trouble struct {
	lose   float64 // its connection is cut
	late   float64 // it takes up to 0.7 s more
	double float64 // a call arrives a second time, on another connection
}

func newNetwork(t *testing.T, where string) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{t: t, listener: l, where: where, passes: make(chan struct{})}
	close(n.passes)
	t.Cleanup(func() {
		_ = l.Close()
		n.opens()
		n.to(where)
	})
	go n.serve()
	return n
}

func (n *network) url() string { return "redis://" + n.listener.Addr().String() }

func (n *network) serve() {
	for {
		from, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.mu.Lock()
		where := n.where
		n.mu.Unlock()
		to, err := net.Dial("tcp", where)
		if err != nil {
			_ = from.Close()
			continue
		}
		again, err := net.Dial("tcp", where)
		if err != nil {
			_, _ = from.Close(), to.Close()
			continue
		}
		n.mu.Lock()
		n.open = append(n.open, from, to, again)
		n.mu.Unlock()
		go n.pipe(from, to, again)
		go n.pipe(to, from, nil)
		go discard(again)
	}
}

// pipe leads bytes on, and some of them a second time.
func (n *network) pipe(from, to, again net.Conn) {
	defer func() {
		_, _ = from.Close(), to.Close()
		if again != nil {
			_ = again.Close()
		}
	}()
	chunk := make([]byte, 64<<10)
	for {
		got, err := from.Read(chunk)
		if err != nil {
			return
		}
		n.mu.Lock()
		odds, passes := n.trouble, n.passes
		n.mu.Unlock()
		<-passes
		if rand.Float64() < odds.lose {
			return
		}
		if rand.Float64() < odds.late {
			pass(50*time.Millisecond + rand.N(650*time.Millisecond))
		}
		if _, err := to.Write(chunk[:got]); err != nil {
			return
		}
		if again != nil && rand.Float64() < odds.double {
			pass(rand.N(20 * time.Millisecond))
			_, _ = again.Write(chunk[:got])
		}
	}
}

func discard(c net.Conn) {
	for {
		if _, err := c.Read(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// to leads new connections elsewhere and cuts the others, as a failover does.
func (n *network) to(where string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.where = where
	for _, c := range n.open {
		_ = c.Close()
	}
	n.open = nil
}

// closes holds back whatever is sent, both ways, until it opens.
func (n *network) closes() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.passes = make(chan struct{})
}

func (n *network) opens() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.passes:
	default:
		close(n.passes)
	}
}

// troubles sets the odds.
func (n *network) troubles(odds trouble) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trouble = odds
}
