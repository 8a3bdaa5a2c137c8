package target

import (
	"net/http"
	"time"
)

// A connection is one to the target, kept for the next delivery. HTTP/1 carries one
// delivery at a time, HTTP/2 as many as the target allows.
type connection struct {
	client *http.ClientConn
	socket *socket
	shared bool // it speaks HTTP/2

	// What is below is guarded by the pool.
	until   time.Time // when it is old
	retired bool      // it takes no more deliveries, and ends with the last
	inUse   int       // deliveries that it carries
	idle    time.Time // since when it carries none
	timer   *time.Timer
}

// unsentError is the end of a connection before a byte of the request went out.
type unsentError struct{ cause error }

func (e *unsentError) Error() string { return "nothing was sent: " + e.cause.Error() }
func (e *unsentError) Unwrap() error { return e.cause }

// send makes the one request of a delivery. An unsentError says that it was not made, and
// that another connection may.
func (c *connection) send(r *http.Request) (*http.Response, error) {
	answer, err := c.client.RoundTrip(r)
	switch {
	case c.shared:
		if err != nil && isUnusable(err) {
			err = &unsentError{err}
		}
	case err == nil && c.socket.forestalled():
		_ = answer.Body.Close()
		return nil, &unsentError{errUnread}
	case err != nil && c.client.Err() != nil && c.socket.unsent():
		err = &unsentError{err}
	}
	return answer, err
}
