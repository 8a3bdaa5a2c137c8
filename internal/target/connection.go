package target

import (
	"net/http"
	"time"
)

// A connection to the target is kept for the next delivery. HTTP/1 carries one delivery at
// a time, HTTP/2 as many as the target allows.
type connection struct {
	client *http.ClientConn
	socket *socket
	shared bool // it speaks HTTP/2

	// The pool guards the fields below.
	until   time.Time // when it retires
	retired bool      // it takes no more deliveries, and closes after the last
	inUse   int       // deliveries in progress
	idle    time.Time // when the last delivery ended
	timer   *time.Timer
}

// unsentError means that a connection ended before a byte of the request was sent.
type unsentError struct{ cause error }

func (e *unsentError) Error() string { return "nothing was sent: " + e.cause.Error() }
func (e *unsentError) Unwrap() error { return e.cause }

// send makes the one request of a delivery. An unsentError means that it was not sent, so
// that it can be sent on another connection.
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
