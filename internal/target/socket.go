package target

import (
	"errors"
	"net"
	"sync"
)

// errUnread refuses a request on a connection that has received bytes since its last
// answer.
var errUnread = errors.New("the connection has unread bytes")

// A socket is a connection to the target, or to its proxy, below TLS. It knows what
// net/http does not reveal: whether a request's first byte was sent, and whether anything
// arrived before that. HTTP/1 has no other way to tell a second answer, or the body of a
// 204, from the answer to the next request.
type socket struct {
	net.Conn

	mu      sync.Mutex // guards all below
	waiting sync.Cond  // for reading or closed
	reading bool       // net/http is reading: it has consumed everything received
	closed  bool
	strict  bool // nothing may arrive before the request is written
	early   bool // something did
	begun   bool // the request's first write has begun
	wrote   bool // the kernel has accepted a byte of the request
}

func newSocket(c net.Conn) *socket {
	s := &socket{Conn: c}
	s.waiting.L = &s.mu
	return s
}

// first begins the first request of a connection. Bytes before it belong to TLS, so a server
// that speaks first is not detected here.
func (s *socket) first() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.wrote = false, false
}

// next begins a request on a kept HTTP/1 connection, and reports whether it can take one. It
// waits until net/http, which owes no answer at that point, reads again, so that no buffer
// above holds anything; or until net/http has closed the connection, which it does if it
// finds unexpected bytes. Both take microseconds.
func (s *socket) next() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.reading && !s.closed {
		s.waiting.Wait()
	}
	s.strict, s.early, s.begun, s.wrote = true, false, false, false
	return !s.closed
}

// unsent reports whether no byte of the request has been written.
func (s *socket) unsent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.wrote
}

// forestalled reports whether something arrived before the request was written, which
// cannot be the answer to it.
func (s *socket) forestalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.early || s.strict && !s.begun
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	s.mu.Lock()
	s.reading = true
	s.waiting.Signal()
	s.mu.Unlock()
	n, err := s.Conn.Read(p)
	s.mu.Lock()
	s.reading = false
	if n > 0 && s.strict && !s.begun {
		s.early = true
	}
	s.mu.Unlock()
	return n, err
}

// Write implements net.Conn. The first write of a request checks once more for unread bytes,
// for which the reader has not been woken yet.
func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	if s.strict && !s.begun {
		if s.early || hasUnread(s.Conn) {
			s.early = true
			s.mu.Unlock()
			return 0, errUnread
		}
	}
	s.begun = true
	s.mu.Unlock()
	n, err := s.Conn.Write(p)
	if n > 0 {
		s.mu.Lock()
		s.wrote = true
		s.mu.Unlock()
	}
	return n, err
}

// Close implements net.Conn.
func (s *socket) Close() error {
	s.mu.Lock()
	s.closed = true
	s.waiting.Signal()
	s.mu.Unlock()
	return s.Conn.Close()
}
