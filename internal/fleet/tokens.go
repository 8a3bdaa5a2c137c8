package fleet

import "time"

// run is tokens of one grant: n stamps, the first at first, each a step after the one
// before. Stamps are by the coordinator's clock.
type run struct {
	first, step time.Duration
	n           int
	tag         int64 // by which they count in quotas; 0: in none
}

// tokens are the ones in hand, by their stamps.
type tokens struct {
	runs         []run
	n            int
	used, lapsed int64
	back         map[int64]int // that lapsed and are to be given back, by their tags
}

func (t *tokens) add(r run) {
	if r.n > 0 {
		t.runs = append(t.runs, r)
		t.n += r.n
	}
}

// clear drops all of them: by a clock that was set, their stamps mean other times.
func (t *tokens) clear() {
	for _, r := range t.runs {
		t.lapse(r.tag, r.n)
	}
	t.runs, t.n = nil, 0
}

// next returns from when by our clock the first token may be used. Those that have lapsed
// at now are dropped.
func (t *tokens) next(now time.Duration, c *clock, window time.Duration) (from time.Duration, ok bool) {
	for t.n > 0 {
		stamp := t.runs[0].first
		if now <= c.until(stamp+window) {
			return c.from(stamp), true
		}
		t.lapse(t.runs[0].tag, 1)
		t.drop()
	}
	return 0, false
}

// lapse counts tokens that nobody will use.
func (t *tokens) lapse(tag int64, n int) {
	t.lapsed += int64(n)
	if tag == 0 {
		return
	}
	if t.back == nil {
		t.back = make(map[int64]int)
	}
	t.back[tag] += n
}

// usable counts the tokens that may be used at now.
func (t *tokens) usable(now time.Duration, c *clock) int {
	n := 0
	for _, r := range t.runs {
		if first := c.from(r.first); first <= now {
			n += min(int((now-first)/max(r.step, 1))+1, r.n)
		}
	}
	return n
}

// use takes the first token.
func (t *tokens) use() {
	if t.n > 0 {
		t.drop()
		t.used++
	}
}

func (t *tokens) drop() {
	r := &t.runs[0]
	r.first += r.step
	r.n--
	t.n--
	if r.n == 0 {
		t.runs = t.runs[1:]
	}
}
