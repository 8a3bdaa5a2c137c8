//go:build unix

package target

import (
	"net"
	"syscall"
)

// hasUnread reports whether the kernel holds something for c that nobody has read: bytes,
// or the other side's end. It never waits. Of connections that are no sockets it knows
// nothing.
func hasUnread(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	found := false
	// Control and not Read, which would wait for the reader that is at the socket.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		found = err == nil
	})
	return err == nil && found
}
