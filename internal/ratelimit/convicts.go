package ratelimit

// maxConvicts is how many messages are remembered as given up; the oldest goes first.
const maxConvicts = 10_000

// shortCuts is how often one of them is given up at once without a second proof. It is
// what takes poison through maxReceiveCount 3; after them it is held for as long as a
// message alone, at each receive: it may be a good one that was taken for poison, as one
// may be by a target that comes and goes.
const shortCuts = 2

// acquitted stands for the short cuts of one that was delivered after all.
const acquitted = -1

// convicts are the messages that were given up by proof: it was their fault. One of
// them that fails again needs no second proof, unless retrying is seen to work: the first
// tries of a partial outage are taken for poison, before any retry has succeeded. Without
// this, poison that comes back when the good messages are through, and so nobody is left
// to prove it, would be held like an outage.
type convicts struct {
	ids   map[string]int // how many short cuts are left; acquitted: it is none any more
	order []string
}

// has says that a message is one of them: that it fails is no sign of trouble.
func (c *convicts) has(id string) bool {
	left, known := c.ids[id]
	return known && left != acquitted
}

// quick says that a message is one of them, and has short cuts left.
func (c *convicts) quick(id string) bool { return c.ids[id] > 0 }

// pass says that a message is one of them, and takes a short cut from it.
func (c *convicts) pass(id string) bool {
	if !c.quick(id) {
		return false
	}
	c.ids[id]--
	return true
}

func (c *convicts) add(id string) {
	if c.ids == nil {
		c.ids = make(map[string]int)
	}
	if _, known := c.ids[id]; !known {
		if len(c.order) == maxConvicts {
			delete(c.ids, c.order[0])
			c.order = c.order[1:]
		}
		c.order = append(c.order, id)
	}
	c.ids[id] = shortCuts
}

// acquit forgets one that was delivered after all.
func (c *convicts) acquit(id string) {
	if _, known := c.ids[id]; known {
		c.ids[id] = acquitted
	}
}
