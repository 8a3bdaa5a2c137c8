package main

import (
	"io"
	"sync"
)

// liveLine is the last line of a terminal, written over again and again. What
// else is written through it comes above the line.
type liveLine struct {
	out io.Writer

	mu   sync.Mutex // guards what follows, and the order of writes
	text string
}

// clearLine goes to the start of the line and clears it.
const clearLine = "\r\x1b[K"

func newLiveLine(out io.Writer) *liveLine { return &liveLine{out: out} }

// set shows text in place of what the line was.
func (l *liveLine) set(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = text
	_, _ = io.WriteString(l.out, clearLine+text)
}

// say writes text, which ends a line, above the live line.
func (l *liveLine) say(text string) { _, _ = io.WriteString(l.above(l.out), text) }

// clear takes the line away: what it said follows in another form.
func (l *liveLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text != "" {
		_, _ = io.WriteString(l.out, clearLine)
	}
	l.text = ""
}

// end leaves the line as it is, and the cursor below.
func (l *liveLine) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text != "" {
		_, _ = io.WriteString(l.out, "\n")
	}
	l.text = ""
}

// above is a writer of whole lines that come above the live line: for logs.
func (l *liveLine) above(out io.Writer) io.Writer { return aboveLine{line: l, out: out} }

// logsAbove is where the log goes: above the line where both are on a terminal. Elsewhere the
// line would have to wait for whoever reads the log.
func (p *process) logsAbove(l *liveLine) io.Writer {
	if !p.terminal || !p.interactive {
		return p.stderr
	}
	return l.above(p.stderr)
}

type aboveLine struct {
	line *liveLine
	out  io.Writer
}

func (a aboveLine) Write(text []byte) (int, error) {
	a.line.mu.Lock()
	defer a.line.mu.Unlock()
	if a.line.text == "" {
		return a.out.Write(text)
	}
	_, _ = io.WriteString(a.line.out, clearLine)
	n, err := a.out.Write(text)
	_, _ = io.WriteString(a.line.out, a.line.text)
	return n, err
}
