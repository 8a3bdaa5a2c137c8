//go:build !unix

package app

// FileLimit returns how many files the process may have open, or 0 if there is no limit.
func FileLimit() int { return 0 }
