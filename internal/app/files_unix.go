//go:build unix

package app

import (
	"math"
	"syscall"
)

// FileLimit returns how many files the process may have open, or 0 if there is no limit.
// Go has already raised the soft limit to the hard limit.
func FileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) > math.MaxInt32 { //nolint:unconvert // signed on some systems
		return 0
	}
	return int(limit.Cur)
}
