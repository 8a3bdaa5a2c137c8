package fleet

import (
	"fmt"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// request is one call to the coordinator. Its fields are the script's arguments.
type request struct {
	id        string
	leave     bool
	deadline  time.Duration // by the coordinator's clock; 0: only the time is asked for
	call, seq int64
	budget    Budget
	share     int64 // held, in millionths a second
	slots     int   // held
	busy      bool
	grown     bool
	want      int
	about     string

	back      map[int64]int // tokens that lapsed, by their tags
	made      int           // starts by itself since the last grant
	born      int64         // when the memory began that it knows, by its clock
	copy      string        // what memories before had counted of quotas
	steady    time.Duration // what the coordinator's steady clock shows; 0: not known
	told      ratelimit.ToldAll
	toldUntil time.Duration // by the coordinator's clock
	override  override      // the newest that it knows; the text only if the coordinator may not have it

	// Of the caller, not arguments: when it was sent, and how long the replica had been
	// silent before it.
	sent, silent time.Duration
}

// real reports whether the call may have an effect.
func (r *request) real() bool { return r.deadline > 0 }

// arguments are the script's.
func (r *request) arguments() []any {
	return []any{
		r.id, bit(r.leave), r.deadline.Microseconds(), r.call, r.seq,
		millionths(r.budget.Rate), r.budget.Burst, r.budget.Slots, r.share, r.slots,
		bit(r.busy), bit(r.grown), r.want, r.budget.Timeout.Microseconds(), r.about,
		limitsText(r.budget.Quotas), tagsText(r.back), r.made, r.born, r.copy, r.steady.Microseconds(),
		r.toldUntil.Microseconds(), bit(r.told.Asks), bit(r.told.Follows),
		r.override.version, r.override.text,
	}
}

func bit(set bool) string {
	if set {
		return "1"
	}
	return "0"
}

// kind is what the coordinator answers.
type kind string

// The answers.
const (
	late    kind = "late"  // read too late, or only the time was asked for: no effect
	quiet   kind = "quiet" // the memory is new: nothing is granted yet
	granted kind = "live"
	left    kind = "left"
)

// reply is the coordinator's answer.
type reply struct {
	kind kind
	now  time.Duration // its clock, since 1970
	seq  int64
	// born is when its memory began, by its clock.
	born time.Duration
	// quietFor is how long it grants nothing yet.
	quietFor time.Duration

	tokens run
	// again is how long no more tokens should be asked for.
	again time.Duration
	slots int
	share int64
	// lease is how long the replica may go on by itself after this call.
	lease         time.Duration
	pause, window time.Duration
	live, busy    int
	// pace is what live replicas may start together, in millionths a second; rate and all
	// are the budget in force, and mixed reports whether that is not everybody's.
	pace, rate int64
	all        int
	mixed      bool

	most int   // tokens in one call
	tag  int64 // of the tokens: given back with it if they lapse
	// alone is how much longer than for a rate a replica has to be silent before it goes on by
	// itself; negative: it must not.
	alone  time.Duration
	steady time.Duration // its steady clock
	// hold is until when nobody starts, as the target has told one of them; 0: it has not.
	hold time.Duration
	role role
	// limits are the quotas in force, and counted is what is used of them, both as text.
	limits, counted string
	// override is what the coordinator has; its text is empty if the caller knows it.
	override override
}

// role is what a replica does after a Retry-After.
type role int64

const (
	free role = iota
	asks
	waits
)

// fields is how many numbers each kind of answer has, before its texts.
var fields = map[kind]struct{ numbers, texts int }{late: {2, 1}, quiet: {6, 1}, granted: {25, 3}, left: {2, 0}}

// parseReply reads the script's answer.
func parseReply(answer []any) (reply, error) {
	if len(answer) == 0 {
		return reply{}, errNoReply
	}
	name, _ := answer[0].(string)
	f, known := fields[kind(name)]
	if !known || len(answer)-1 < f.numbers+f.texts {
		return reply{}, errNoReply
	}
	texts := make([]string, f.texts)
	for i := range texts {
		texts[i], _ = answer[1+f.numbers+i].(string)
	}
	v := make([]int64, 0, f.numbers)
	for _, one := range answer[1 : 1+f.numbers] {
		number, ok := one.(int64)
		if !ok {
			return reply{}, errNoReply
		}
		v = append(v, number)
	}
	r := reply{kind: kind(name), now: micros(v[0])}
	switch r.kind {
	case quiet:
		r.seq, r.born, r.quietFor, r.steady = v[1], micros(v[2]), micros(v[3]), micros(v[4])
		r.override = override{version: v[5], text: texts[0]}
	case left:
		r.seq = v[1]
	case granted:
		r.seq, r.born = v[1], micros(v[2])
		r.tokens = run{first: micros(v[3]), n: int(v[4]), step: time.Duration(v[5])}
		r.again, r.slots, r.share = micros(v[6]), int(v[7]), v[8]
		r.lease, r.pause, r.window = micros(v[9]), micros(v[10]), micros(v[11])
		r.live, r.busy, r.pace, r.rate = int(v[12]), int(v[13]), v[14], v[15]
		r.all, r.mixed = int(v[16]), v[17] == 1
		r.most, r.tag, r.alone, r.steady = int(v[18]), v[19], micros(v[20]), micros(v[21])
		r.hold, r.role = micros(v[22]), role(v[23])
		r.limits, r.counted = texts[0], texts[1]
		r.override = override{version: v[24], text: texts[2]}
		r.tokens.tag = r.tag
	case late:
		r.override = override{version: v[1], text: texts[0]}
	}
	return r, nil
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

var errNoReply = fmt.Errorf("the coordinator's answer is not one of this version's script: do all replicas run the same version, and is it Redis or Valkey")
