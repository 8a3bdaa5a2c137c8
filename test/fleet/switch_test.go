//go:build fleet

package fleet

import (
	"io"
	"net"
	"sync"
	"testing"
)

// network is a proxy that can be told to lead elsewhere, as a service's address does in a
// failover. Connections that it has are cut.
type network struct {
	listener net.Listener

	mu    sync.Mutex
	where string
	open  []net.Conn
}

func newSwitch(t *testing.T, where string) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{listener: l, where: where}
	t.Cleanup(func() { _ = l.Close() })
	go n.serve()
	return n
}

func (n *network) address() string { return n.listener.Addr().String() }

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
		n.mu.Lock()
		n.open = append(n.open, from, to)
		n.mu.Unlock()
		go pipe(from, to)
		go pipe(to, from)
	}
}

func pipe(a, b net.Conn) {
	_, _ = io.Copy(a, b)
	_ = a.Close()
	_ = b.Close()
}

// to leads new connections elsewhere and cuts the others.
func (n *network) to(where string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.where = where
	for _, c := range n.open {
		_ = c.Close()
	}
	n.open = nil
}

func splitAddress(address string) (host, port string, err error) { return net.SplitHostPort(address) }
