package main

import (
	"io"
	"sync"
	"time"
)

const (
	// logLines is how many lines wait for a reader that has stopped reading.
	logLines = 4096
	// logFlush is how long the end waits for such a reader to take the last of them.
	logFlush = 2 * time.Second
)

// A logWriter passes lines on without ever waiting: a log whose reader is gone or stands
// still stops no delivery. Lines for which there is no room are dropped and counted.
type logWriter struct {
	out   io.Writer
	lines chan []byte
	done  chan struct{}
	// dropped is called when all lines have passed after some were dropped. It may write.
	dropped func(n int)

	mu   sync.Mutex // guards lost and shut
	lost int
	shut bool
}

func newLogWriter(out io.Writer, size int) *logWriter {
	w := &logWriter{out: out, lines: make(chan []byte, size), done: make(chan struct{})}
	go w.pass()
	return w
}

// Write implements io.Writer. One call is one line; after close it is dropped.
func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut {
		return len(p), nil
	}
	select {
	case w.lines <- append([]byte(nil), p...):
	default:
		w.lost++
	}
	return len(p), nil
}

func (w *logWriter) pass() {
	defer close(w.done)
	for line := range w.lines {
		_, err := w.out.Write(line)
		w.mu.Lock()
		n := 0
		switch {
		case err != nil:
			w.lost++ // nobody reads: reported once somebody does again
		case len(w.lines) == 0:
			n, w.lost = w.lost, 0
		}
		w.mu.Unlock()
		if n > 0 && w.dropped != nil {
			w.dropped(n)
		}
	}
}

// close passes on what waits, for a while.
func (w *logWriter) close() {
	w.mu.Lock()
	shut := w.shut
	w.shut = true
	w.mu.Unlock()
	if shut {
		return
	}
	close(w.lines)
	select {
	case <-w.done:
	case <-time.After(logFlush):
	}
}
