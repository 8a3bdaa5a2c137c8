//go:build unix

package target

import (
	"net"
	"syscall"
)

// hasUnread reports whether the kernel holds unread bytes for c, or the peer has closed it.
// It never blocks. It reports false for connections that are not sockets.
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
	// Control, not Read, which would wait for the current reader.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		found = err == nil
	})
	return err == nil && found
}
