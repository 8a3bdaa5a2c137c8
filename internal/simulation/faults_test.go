package simulation

import "time"

// sqsOdds are how often a call to SQS goes wrong, and in which way. Most are 0 in
// most seeds, so that each fault also occurs alone.
type sqsOdds struct {
	slow         float64 // by seconds, before or after SQS takes note
	throttled    float64
	internal     float64 // a 5xx
	refused      float64 // no connection
	silent       float64 // the request is lost, and no answer comes
	lostAnswer   float64 // SQS did it; the connection breaks before the answer
	lostSilently float64 // SQS did it; no answer comes
	twice        float64 // SQS gets the request twice
	short        float64 // a receive brings fewer than there are
	entryFails   float64 // of a batch, per entry
	stolen       float64 // per message received: it becomes visible again by itself
	rival        bool    // what was stolen is received by somebody else first
}

func drawSQSOdds(d dice) sqsOdds {
	odds := func(name string, often float64) float64 {
		if d.of(name + "?").chance(0.35) {
			return often * d.of(name).part()
		}
		return 0
	}
	return sqsOdds{
		slow:         odds("slow", 0.1),
		throttled:    odds("throttled", 0.3),
		internal:     odds("internal", 0.2),
		refused:      odds("refused", 0.2),
		silent:       odds("silent", 0.05),
		lostAnswer:   odds("lost answer", 0.1),
		lostSilently: odds("lost silently", 0.05),
		twice:        odds("twice", 0.2),
		short:        odds("short", 0.6),
		entryFails:   odds("entry fails", 0.2),
		stolen:       odds("stolen", 0.1),
		rival:        d.of("rival").chance(0.5),
	}
}

type fateKind uint8

const (
	plain fateKind = iota
	throttled
	internal
	refused
	silent
	lostAnswer
	lostSilently
	twice
	refusedByIAM
)

func (k fateKind) String() string {
	return [...]string{"", "throttled", "internal", "refused", "silent", "lost-answer", "lost-silently", "twice", "denied"}[k]
}

// fate is what becomes of one call.
type fate struct {
	kind          fateKind
	before, after time.Duration // around the moment at which SQS takes note
	short         int           // a receive brings at most so many; 0: as asked
	again         time.Duration // until SQS gets it a second time
	// notices: SQS notices that the client has gone, and takes back what its long poll
	// was given.
	notices bool
	late    bool // a receive that a wider world answers late
}

// awayWays are the ways in which SQS can be away.
const awayWays = 3

// fateOf draws what becomes of a call. d is the dice of that call alone.
func (s *scenario) fateOf(d dice, now time.Duration) fate {
	f := fate{
		before:  d.of("before").between(500*time.Microsecond, 8*time.Millisecond),
		after:   d.of("after").between(500*time.Microsecond, 8*time.Millisecond),
		notices: d.of("notices").chance(0.5),
	}
	if now >= s.trouble {
		return f
	}
	o := &s.odds
	if d.of("slow").chance(o.slow) {
		by := d.of("by").between(100*time.Millisecond, 14*time.Second)
		if d.of("slow after").chance(0.5) {
			f.after += by
		} else {
			f.before += by
		}
	}
	if d.of("short").chance(o.short) {
		f.short = d.of("bring").from(1, 9)
	}
	f.again = d.of("again").between(time.Millisecond, 5*time.Second)
	if w, ok := at(s.away, now); ok {
		f.kind = [awayWays]fateKind{refused, silent, internal}[w.way]
		return f
	}
	p := d.of("kind").part()
	for kind, odds := range [...]float64{
		throttled: o.throttled, internal: o.internal, refused: o.refused, silent: o.silent,
		lostAnswer: o.lostAnswer, lostSilently: o.lostSilently, twice: o.twice,
	} {
		if p < odds {
			f.kind = fateKind(kind)
			return f
		}
		p -= odds
	}
	return f
}

// targetOdds are how often a delivery goes wrong, and in which way.
type targetOdds struct {
	failed, rejected, throttled, unavailable float64
	hangs, cut, cutMiddle, garbage, slow     float64
}

func drawTargetOdds(d dice) targetOdds {
	odds := func(name string, often float64) float64 {
		if d.of(name + "?").chance(0.3) {
			return often * d.of(name).part()
		}
		return 0
	}
	return targetOdds{
		failed: odds("failed", 0.2), rejected: odds("rejected", 0.1), throttled: odds("throttled", 0.2),
		unavailable: odds("unavailable", 0.2), hangs: odds("hangs", 0.05), cut: odds("cut", 0.1),
		cutMiddle: odds("cut middle", 0.1), garbage: odds("garbage", 0.05), slow: odds("slow", 0.2),
	}
}

// turn is how the target ends one delivery.
type turn struct {
	before, after time.Duration // around the moment at which the target takes note
	status        int           // 0: no whole answer, but how
	how           string        // "hangs", "cut", "cut-middle", "garbage" or "answer-lost"
	retryAfter    int
	body          int          // bytes of the answer's
	answer        *batchAnswer // of a request that may carry several, if the status is 2xx
}

// outageWays are the ways in which a target can be down; the last is to refuse connections.
const (
	outageWays    = 7
	answers503    = 0
	answers429    = 1
	hangs         = 2
	answers500    = 4
	answers404    = 5
	refusesDials  = outageWays - 1
	outageRetryIn = 2 * time.Second
	longRetryIn   = 200 * time.Second // longer than any extension
)

// turnOf draws how a delivery ends. d is the dice of that delivery alone.
func (t *targetPlan) turnOf(d dice, now, trouble time.Duration, poison int, forEver bool) turn {
	f := turn{
		before: d.of("before").between(t.fastest/2, t.slowest/2),
		after:  d.of("after").between(t.fastest/2, t.slowest/2),
		status: pick(d.of("ok"), 200, 200, 201, 202, 204),
	}
	if f.status == 200 {
		f.body = pick(d.of("body"), 0, 2, 100, 5000)
	}
	if now >= trouble && !forEver {
		return f
	}
	p := d.of("turn").part()
	in := func(odds float64) bool {
		hit := p >= 0 && p < odds
		p -= odds
		return hit
	}
	o := &t.odds
	if d.of("slow").chance(o.slow) {
		by := d.of("by").between(0, 3*t.timeout/2)
		f.before += by / 2
		f.after += by / 2
	}
	out, isOut := at(t.outages, now)
	isOut = isOut && (t.partial == 0 || d.of("partial").chance(t.partial))
	switch {
	case isOut && out.way == answers503:
		f.status = 503
		if t.retryAfter != outageRetryIn {
			f.retryAfter = int(t.retryAfter.Seconds())
		}
	case isOut && out.way == answers429:
		f.status, f.retryAfter = 429, int(t.retryAfter.Seconds())
	case isOut && out.way == hangs:
		f.status, f.how = 0, "hangs"
	case isOut && out.way == 3, isOut && out.way == refusesDials:
		f.status, f.how = 0, "cut"
	case isOut && out.way == answers500:
		f.status = 500
	case isOut && out.way == answers404:
		f.status = 404
	case poison == poisonHangs:
		f.status, f.how = 0, "hangs"
	case poison == poisonCuts:
		f.status, f.how = 0, "cut"
	case poison == poisonVaries:
		f.status = pick(d.of("poison"), 500, 500, 422)
	case poison != 0:
		f.status = poison
	case in(o.failed):
		f.status = pick(d.of("failed"), 500, 501, 507, 401, 403, 404)
	case in(o.rejected):
		f.status = pick(d.of("rejected"), 301, 302, 400, 409, 410, 422)
	case in(o.throttled):
		f.status, f.retryAfter = 429, d.of("retry after").upTo(4)
	case in(o.unavailable):
		f.status, f.retryAfter = pick(d.of("unavailable"), 502, 503, 504, 408, 425), d.of("retry after").upTo(3)
	case in(o.hangs):
		f.status, f.how = 0, "hangs"
	case in(o.cut):
		f.status, f.how = 0, "cut"
	case in(o.cutMiddle):
		f.status, f.how = 0, "cut-middle"
	case in(o.garbage):
		f.status, f.how = 0, "garbage"
	}
	return f
}
