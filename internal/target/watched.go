package target

import "os"

// watched is a file that is read again when it changes.
type watched struct {
	path   string
	seen   os.FileInfo // when it was last read
	failed bool        // the last reading failed
}

// changed reports whether the file has changed since it was read, or could not be read.
func (w *watched) changed() bool {
	info, err := os.Stat(w.path)
	return err != nil || w.failed || !os.SameFile(info, w.seen) ||
		info.Size() != w.seen.Size() || !info.ModTime().Equal(w.seen.ModTime())
}
