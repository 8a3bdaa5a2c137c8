//go:build !unix

package app

// FileLimit is how many files the process may have open; 0: any number.
func FileLimit() int { return 0 }
