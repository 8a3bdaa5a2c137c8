//go:build unix

package app

import (
	"syscall"
	"testing"
)

func TestTheSoftLimitOfOpenFilesIsTheHardOne(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if n := FileLimit(); n != 0 && n != int(limit.Max) {
		t.Errorf("%d files may be open, and the hard limit is %d", n, limit.Max)
	}
}
