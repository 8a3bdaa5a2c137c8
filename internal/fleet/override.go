package fleet

import (
	"context"
	_ "embed"
	"errors"
	"time"
)

//go:embed override.lua
var overrideSource string

const (
	// overrideKept is how long the coordinator keeps what an operator has set for all replicas
	// after it was last written; script.lua has it too.
	overrideKept = 400 * 24 * time.Hour
	// rewrites is how often a change is made anew because somebody else made one meanwhile.
	rewrites = 5
)

// override is what an operator has set for all replicas: the newest version holds. Its text
// is the caller's of Rewrite. Version 0 is none.
type override struct {
	version int64
	text    string
}

// rewriting is one call to override.lua.
type rewriting struct {
	expected, least int64
	text            string
	deadline        time.Duration // by the coordinator's clock
}

// arguments are the script's.
func (w rewriting) arguments() []any {
	return []any{w.expected, w.least, w.text, overrideKept.Milliseconds(), w.deadline.Microseconds()}
}

// overrideKeys are the script's.
func overrideKeys(name string) []string { return keysOf(name)[4:] }

// rewritten is its answer.
type rewritten struct {
	wrote bool
	now   time.Duration // by its clock
	kept  override

	received time.Time
}

// parseRewritten reads the script's answer.
func parseRewritten(answer []any) (rewritten, error) {
	const numbers = 3
	if len(answer) != numbers+1 {
		return rewritten{}, errNoReply
	}
	var v [numbers]int64
	for i := range v {
		n, is := answer[i].(int64)
		if !is {
			return rewritten{}, errNoReply
		}
		v[i] = n
	}
	text, _ := answer[numbers].(string)
	return rewritten{wrote: v[0] == 1, now: micros(v[1]), kept: override{version: v[2], text: text}}, nil
}

// hear takes in which override the coordinator has. One that has lost its memory has an older
// one, or none: the next call brings it the newest.
func (m *member) hear(o override) {
	switch {
	case o.version > m.override.version:
		m.override, m.news = o, true
	case o.version < m.override.version:
		m.brings = true
		return
	}
	m.brings = false
}

// Override returns what was last set for all replicas, empty if nothing was. Times in it
// are by the coordinator's clock.
func (f *Fleet) Override() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.member.override.text
}

// When returns the time at which the coordinator's clock shows t.
func (f *Fleet) When(t time.Duration) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.base.Add(f.member.clock.from(t))
}

// Rewrite changes what is set for all replicas. change is given what is set now, and the time
// by the coordinator's clock; it may be called several times. The error is change's, or says
// why the coordinator did not take it: then nothing has changed, or it is not known whether it has.
func (f *Fleet) Rewrite(ctx context.Context, change func(old string, now time.Duration) (string, error)) error {
	f.mu.Lock()
	known := f.member.override
	f.mu.Unlock()
	r, err := f.rewrite(ctx, rewriting{expected: -1})
	if err != nil {
		return err
	}
	for range rewrites {
		base := r.kept
		if base.version < known.version {
			base = known // the coordinator has lost its memory
		}
		w := rewriting{expected: r.kept.version, least: base.version + 1}
		if w.text, err = change(base.text, r.now); err != nil {
			return err
		}
		w.deadline = r.now + time.Since(r.received) + callLimit
		if r, err = f.rewrite(ctx, w); err != nil {
			return err
		}
		if r.wrote {
			f.mu.Lock()
			f.member.hear(r.kept)
			f.mu.Unlock()
			f.tellOverride()
			return nil
		}
	}
	return errors.New("others keep changing it: try again")
}

// rewrite makes one call. The first answer of all says what the coordinator's clock shows.
func (f *Fleet) rewrite(ctx context.Context, w rewriting) (rewritten, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	sent := time.Since(f.base)
	r, err := f.coordinator.rewrite(ctx, w)
	r.received = time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && !f.member.clock.known {
		f.member.clock.answered(sent, time.Since(f.base), r.now)
	}
	return r, err
}

// tellOverride passes on that another override was heard of. It is called without the mutex.
func (f *Fleet) tellOverride() {
	f.mu.Lock()
	news := f.member.news
	f.member.news = false
	f.mu.Unlock()
	if news && f.options.Overridden != nil {
		f.options.Overridden()
	}
}
