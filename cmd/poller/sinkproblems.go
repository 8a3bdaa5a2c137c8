package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// sayAgain is how long a problem that was said is not said again.
const sayAgain = time.Minute

// problems says what is wrong with requests: each problem in a line, once a minute.
type problems struct {
	to io.Writer

	mu   sync.Mutex // guards what follows
	last map[string]time.Time
	more map[string]int // not said since
}

func newProblems(to io.Writer) *problems {
	return &problems{to: to, last: make(map[string]time.Time), more: make(map[string]int)}
}

func (p *problems) say(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if last, said := p.last[problem]; said && now.Sub(last) < sayAgain {
		p.more[problem]++
		return
	}
	text := problem
	if more := p.more[problem]; more > 0 {
		text += fmt.Sprintf(" (and %d more since it was last said)", more)
	}
	p.last[problem], p.more[problem] = now, 0
	_, _ = fmt.Fprintf(p.to, "%s  refused: %s\n", now.Format(time.TimeOnly), text)
}
