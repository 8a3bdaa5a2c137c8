package fleet

import "time"

// bestFor is how long a reading of the coordinator's clock is the best one.
const bestFor = 10 * time.Second

// clock maps the coordinator's clock to our monotonic one. A call that was sent at t0 and
// answered at t1 with the coordinator's time s shows that s was some time between the two:
// ours is ahead by at least t0 - s and at most t1 - s. The shortest round trip of the last
// ten seconds says it best, unless a newer one contradicts it.
type clock struct {
	least, most time.Duration // our time less the coordinator's
	read        time.Duration
	known       bool
}

// stepped is by how much two readings must contradict each other for the coordinator's
// clock to have been set, and not to run a little faster than ours.
const stepped = 100 * time.Millisecond

// answered notes a call's answer, and reports whether the coordinator's clock was set since
// the last one. All times are since a start of their own: ours since the process's, the
// coordinator's since 1970.
func (c *clock) answered(sent, received, server time.Duration) (set bool) {
	least, most := sent-server, received-server
	contradicted := least > c.most || most < c.least
	set = c.known && (least > c.most+stepped || most < c.least-stepped)
	if !c.known || contradicted || most-least <= c.most-c.least || received-c.read > bestFor {
		*c = clock{least: least, most: most, read: received, known: true}
	}
	return set
}

// from returns when by our clock the coordinator's time surely is s.
func (c *clock) from(s time.Duration) time.Duration { return s + c.most }

// until returns the last time by our clock at which the coordinator's surely is not after s.
func (c *clock) until(s time.Duration) time.Duration { return s + c.least }

// server returns a time that the coordinator's clock surely has reached at our time t.
func (c *clock) server(t time.Duration) time.Duration { return t - c.most }
