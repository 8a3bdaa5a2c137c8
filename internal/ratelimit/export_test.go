package ratelimit

// OpenGate opens the gate, for tests of slots and tokens alone.
func (p *Pace) OpenGate() *Pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate.state = Open
	return p
}
