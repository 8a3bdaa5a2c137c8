package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// leaveLimit bounds the last call.
const leaveLimit = time.Second

// Run makes the calls until ctx is done, and then says that this replica leaves, so that
// its part is free immediately: end ctx when nothing runs any more. The error is a refusal before
// any call had an effect, such as a wrong password: somebody has to act before it can work.
func (f *Fleet) Run(ctx context.Context) error {
	defer f.coordinator.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for first := true; ; {
		select {
		case <-ctx.Done():
			f.leave(context.WithoutCancel(ctx))
			return nil
		case <-timer.C:
		case <-f.nudge:
		}
		f.askAbout()
		r, due := f.next()
		if due {
			err := f.callOnce(ctx, &r)
			if refused := new(RefusedError); first && errors.As(err, &refused) {
				return fmt.Errorf("--fleet-redis: %w", err)
			}
			first = first && (err != nil || !r.real())
		}
		f.readRoster(ctx)
		timer.Reset(f.arm())
	}
}

// next returns the call that is due.
func (f *Fleet) next() (request, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Since(f.base)
	f.member.advance(now)
	f.say(now)
	if f.member.due(now) > now {
		return request{}, false
	}
	r := f.member.begin(now, false)
	f.describe(&r)
	return r, true
}

// arm returns how long Run may wait.
func (f *Fleet) arm() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Since(f.base)
	f.armed = f.member.due(now)
	if change := f.member.nextChange(); change > now {
		f.armed = min(f.armed, change)
	}
	return max(f.armed-now, 0)
}

// callOnce makes one call and takes in what it brings.
func (f *Fleet) callOnce(ctx context.Context, r *request) error {
	calling, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	a, err := f.coordinator.call(calling, r)
	f.mu.Lock()
	now := time.Since(f.base)
	f.durations.Observe((now - r.sent).Seconds())
	result := string(a.kind)
	if err != nil {
		result = "error"
		f.member.failed(now, r)
	} else {
		f.member.done(now, r, a)
	}
	f.calls[result]++
	f.note(now, err)
	f.say(now)
	f.mu.Unlock()
	f.tellOverride() // before anything is asked for by another pace
	if f.options.Changed != nil {
		f.options.Changed()
	}
	return err
}

// leave makes the last call. A coordinator that does not hear it finds out by the lease.
func (f *Fleet) leave(ctx context.Context) {
	f.mu.Lock()
	known := f.member.clock.known
	r := f.member.begin(time.Since(f.base), true)
	f.mu.Unlock()
	if !known {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveLimit)
	defer cancel()
	_, err := f.coordinator.call(ctx, &r)
	f.sayLeft(err)
}
