package ratelimit

// maxConvicts is how many messages are remembered as given up; the oldest goes first.
const maxConvicts = 10_000

// convicts are the messages that were given up by proof: it was their fault. One of
// them that fails again needs no second proof, unless retrying is seen to work: the first
// tries of a partial outage are taken for poison, before any retry has succeeded. Without this, poison that comes back
// when the good messages are through, and so nobody is left to prove it, would be held
// like an outage.
type convicts struct {
	ids   map[string]bool
	order []string
}

func (c *convicts) has(id string) bool { return c.ids[id] }

func (c *convicts) add(id string) {
	if c.ids[id] {
		return
	}
	if c.ids == nil {
		c.ids = make(map[string]bool)
	}
	if len(c.order) == maxConvicts {
		delete(c.ids, c.order[0])
		c.order = c.order[1:]
	}
	c.ids[id] = true
	c.order = append(c.order, id)
}

// acquit forgets one that was delivered after all.
func (c *convicts) acquit(id string) { delete(c.ids, id) }
