//go:build !unix

package target

import "net"

// hasUnread needs a system that can peek at a socket. Elsewhere only the reader finds unread
// bytes.
func hasUnread(net.Conn) bool { return false }
