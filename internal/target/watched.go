package target

import "os"

// watched is a file that is read again when it has changed.
type watched struct {
	path   string
	seen   os.FileInfo // as it was read last
	failed bool        // the last reading failed
}

// changed says that the file is not the one that was read. The last reading's
// failure is one too: it is tried again.
func (w *watched) changed() bool {
	info, err := os.Stat(w.path)
	return err != nil || w.failed || !os.SameFile(info, w.seen) ||
		info.Size() != w.seen.Size() || !info.ModTime().Equal(w.seen.ModTime())
}
