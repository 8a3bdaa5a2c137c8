package target

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// idleTimeout is how long a connection is kept without a request.
	idleTimeout = 90 * time.Second
	// maxAge is the mean age at which a connection retires, so that changes of DNS and new
	// pods are followed even on a busy connection. Ages are spread evenly over ageSpread
	// to both sides, so that connections do not all retire together.
	maxAge    = 5 * time.Minute
	ageSpread = 0.1
)

// A pool holds the connections to the target. net/http makes them and speaks HTTP on them,
// but its own pool is not used: it considers a connection idle before it knows that nothing
// unread is left on it, and it cannot retire an HTTP/2 connection that is never idle.
type pool struct {
	transport *http.Transport
	scheme    string
	address   string // host:port
	limit     time.Duration

	mu       sync.Mutex // guards all below
	all      map[*connection]struct{}
	free     []*connection // HTTP/1, most recently used last
	shared   []*connection // HTTP/2
	together bool          // one dial serves all waiters: the target speaks HTTP/2, or we do not know yet
	dialing  *dial         // that dial
	made     int
	closed   bool
}

// A dial is in progress, and others wait for it.
type dial struct {
	done chan struct{}
	err  error // set before done is closed
	cut  bool  // its delivery was canceled, so its error says nothing about the target
}

func newPool(t *http.Transport, u *url.URL, limit time.Duration) *pool {
	return &pool{
		transport: t, scheme: u.Scheme, address: addressOf(u), limit: limit,
		all: make(map[*connection]struct{}), together: u.Scheme == "https",
	}
}

// addressOf returns the host and port to connect to. An internationalized name is converted
// by net/http, which does so for the Host header.
func addressOf(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		var head strings.Builder
		r := http.Request{URL: &url.URL{Host: host}}
		if err := r.Write(&head); err == nil {
			_, line, _ := strings.Cut(head.String(), "\r\nHost: ")
			host, _, _ = strings.Cut(line, "\r\n")
		}
	}
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(host, port)
}

// take returns a connection for one delivery, and whether it was kept from an earlier one.
// Return it with put or drop. Its error is a dialError, or ctx has ended.
func (p *pool) take(ctx context.Context) (c *connection, kept bool, err error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, false, &dialError{reason: reasonConnect, detail: "poller is stopping"}
		}
		if c := p.keptLocked(); c != nil {
			p.mu.Unlock()
			if c.shared || c.socket.next() {
				return c, true, nil
			}
			p.drop(c)
			continue
		}
		if !p.together {
			p.mu.Unlock()
			c, err := p.dial(ctx)
			return c, false, err
		}
		if wait := p.dialing; wait != nil {
			p.mu.Unlock()
			select {
			case <-wait.done:
			case <-ctx.Done():
				return nil, false, ctx.Err()
			}
			if wait.err != nil && !wait.cut {
				return nil, false, wait.err
			}
			continue
		}
		mine := &dial{done: make(chan struct{})}
		p.dialing = mine
		p.mu.Unlock()

		c, err := p.dial(ctx)
		mine.err, mine.cut = err, ctx.Err() != nil
		p.mu.Lock()
		p.dialing = nil
		p.mu.Unlock()
		close(mine.done)
		return c, false, err
	}
}

// keptLocked returns a kept connection, skipping those that the target has closed and those
// that take no more requests after a GOAWAY.
func (p *pool) keptLocked() *connection {
	for _, c := range p.shared {
		if c.client.Reserve() == nil {
			return p.useLocked(c)
		}
	}
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		return p.useLocked(c)
	}
	return nil
}

func (p *pool) useLocked(c *connection) *connection {
	c.inUse++
	return c
}

// dial makes a connection for the delivery with the context ctx.
func (p *pool) dial(ctx context.Context) (*connection, error) {
	c := &connection{inUse: 1}
	// Less than the delivery's timeout, so that failing to connect can be told from a
	// timeout of the delivery.
	bounded, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	bounded = context.WithValue(bounded, socketOf{}, &c.socket)
	bounded = httptrace.WithClientTrace(bounded, &httptrace.ClientTrace{
		TLSHandshakeDone: func(state tls.ConnectionState, _ error) { c.shared = state.NegotiatedProtocol == "h2" },
	})
	var err error
	if c.client, err = p.transport.NewClientConn(bounded, p.scheme, p.address); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, notMade(bounded, err)
	}
	if c.shared {
		_ = c.client.Reserve() // if the connection has failed, its first request will say how
	} else {
		c.socket.first()
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	_, part := math.Modf(float64(p.made) * math.Phi) // spreads any number of connections evenly
	age := time.Duration(float64(maxAge) * (1 - ageSpread + 2*ageSpread*part))
	c.until = time.Now().Add(age)
	c.timer = time.AfterFunc(idleTimeout, func() { p.look(c) })
	p.all[c] = struct{}{}
	p.together = c.shared
	if c.shared {
		p.shared = append(p.shared, c)
	}
	return c, nil
}

// put returns c after a delivery whose answer was read to its end.
func (p *pool) put(c *connection) {
	p.mu.Lock()
	c.inUse--
	c.idle = time.Now()
	end := c.inUse == 0 && (c.retired || p.closed)
	if !end && !c.shared {
		p.free = append(p.free, c)
	}
	p.mu.Unlock()
	if end {
		p.end(c)
	}
}

// drop returns c after a delivery without a complete answer. Other deliveries on an HTTP/2
// connection go on.
func (p *pool) drop(c *connection) {
	if c.shared && c.client.Err() == nil {
		p.put(c)
		return
	}
	p.end(c)
}

// look closes c if it is old or has been idle too long, and otherwise schedules itself
// again.
func (p *pool) look(c *connection) {
	p.mu.Lock()
	if _, there := p.all[c]; !there {
		p.mu.Unlock()
		return
	}
	now := time.Now()
	quiet := now
	if c.inUse == 0 {
		quiet = c.idle
	}
	old := !now.Before(c.until)
	end := c.inUse == 0 && (old || now.Sub(quiet) >= idleTimeout)
	if old || end {
		p.retireLocked(c)
	} else {
		c.timer.Reset(min(c.until.Sub(now), quiet.Add(idleTimeout).Sub(now)))
	}
	p.mu.Unlock()
	if end {
		p.end(c)
	}
}

// retireLocked makes c take no more deliveries.
func (p *pool) retireLocked(c *connection) {
	c.retired = true
	is := func(other *connection) bool { return other == c }
	p.free = slices.DeleteFunc(p.free, is)
	p.shared = slices.DeleteFunc(p.shared, is)
}

// end closes c.
func (p *pool) end(c *connection) {
	p.mu.Lock()
	p.retireLocked(c)
	c.timer.Stop()
	delete(p.all, c)
	p.mu.Unlock()
	_ = c.client.Close() // it may be closed already
}

// close closes all connections.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	all := make([]*connection, 0, len(p.all))
	for c := range p.all {
		all = append(all, c)
	}
	p.mu.Unlock()
	for _, c := range all {
		p.end(c)
	}
}
