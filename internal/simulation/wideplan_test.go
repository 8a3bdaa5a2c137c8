package simulation

import (
	"slices"
	"time"
)

// memory is the limit in bytes on what is in hand; 0: the default.
func (s *scenario) memory() int {
	if s.wide == nil {
		return 0
	}
	return s.wide.memory
}

func (s *scenario) onRejected() string {
	if s.wide == nil || s.wide.rejected == "" {
		return "retry"
	}
	return s.wide.rejected
}

// goAway is how many requests a connection takes, of HTTP/2; 0: it is HTTP/1.1.
func (s *scenario) goAway() int {
	if s.wide == nil {
		return 0
	}
	return s.wide.goAway
}

func (s *scenario) scheme() string {
	if s.goAway() > 0 {
		return "https"
	}
	return "http"
}

// authority is the file that the targets' certificate is checked by.
func (s *scenario) authority() string {
	if s.goAway() > 0 {
		return certificateFile
	}
	return ""
}

// hangs are the times in which connecting hangs.
func (s *scenario) hangs() []window {
	if s.wide == nil {
		return nil
	}
	return s.wide.hangs
}

// dialsHangAt reports whether a delivery that begins at a time may have waited for a connect
// that hung, and then taken another connection.
func (s *scenario) dialsHangAt(now instant) bool {
	const longest = 10 * time.Second
	return slices.ContainsFunc(s.hangs(), func(w window) bool { return w.from <= now && now < w.to+longest })
}

// refusesAlone returns the refusals where they are the only fault, else nil.
func (s *scenario) refusesAlone() *refusals {
	if s.wide == nil || !s.wide.alone || s.wide.kind != refusalsOfSome {
		return nil
	}
	return s.wide.refusals
}

// standstill is a time in which a process stands still.
type standstill struct{ from, to instant }

// stand is SIGSTOP, and SIGCONT after a while: nothing leaves the process meanwhile, and
// all that arrives is seen at its end. (Its timers do fire in the bubble, so what it
// decides meanwhile leaves at the end, too.)
func (p *process) stand(lasts time.Duration) {
	now := p.world.now()
	p.mu.Lock()
	p.still = now + lasts
	p.stood = append(p.stood, standstill{now, p.still})
	p.mu.Unlock()
	p.world.evidence.happens(now, "%s stands still for %v", p.name, lasts)
	p.world.until(now + lasts)
}

// standsFor returns how much longer it will stand still.
func (p *process) standsFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.still-p.world.now())
}

// edge is how long after a standstill things that left or arrived at its end may still be seen.
const edge = 100 * time.Millisecond

// standsIn reports whether it stood still in some part of a time, or had just gone on.
func (p *process) standsIn(from, to instant) bool {
	for _, s := range p.stood {
		if s.from <= to && s.to+edge >= from {
			return true
		}
	}
	return false
}
