package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// listenAt opens the port of a verb's --listen; its errors say what to write.
func listenAt(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--listen %s: the port is taken: use another one, or port 0 for a free one", address)
	default:
		return nil, fmt.Errorf("--listen %s: cannot listen there (%w): use an address of this machine, such as 127.0.0.1:0",
			address, reasonOf(err))
	}
}

// listenNear listens at a port of this machine that is easy to type, or at a free
// one if that is taken.
func listenNear(ctx context.Context, port int) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		l, err = c.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("the demo needs ports of 127.0.0.1, and gets none: %w", reasonOf(err))
	}
	return l, nil
}

// reasonOf is the error without the operation and the address before it.
func reasonOf(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// isLoopback reports whether only this machine reaches the address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
