//go:build unix

package app

import (
	"math"
	"syscall"
)

// FileLimit is how many files the process may have open; 0: any number. Go has raised
// the soft limit to the hard one by then.
func FileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) > math.MaxInt32 { //nolint:unconvert // it is signed on some systems
		return 0
	}
	return int(limit.Cur)
}
