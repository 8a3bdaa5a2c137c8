package consumer

import "time"

// batcher collects what is to be deleted, released or sent to the dead-letter queue into
// batches of ten.
type batcher struct {
	kind    callKind
	linger  time.Duration
	pending []*life
	out     int
	trouble *trouble
}

func newBatcher(kind callKind, linger time.Duration, trouble *trouble) batcher {
	return batcher{kind: kind, linger: linger, trouble: trouble}
}

func (b *batcher) add(l *life) { b.pending = append(b.pending, l) }

// again puts those first whose call has failed.
func (b *batcher) again(failed []*life) {
	if len(failed) > 0 {
		b.pending = append(failed, b.pending...)
	}
}

// due returns when the oldest of b has waited long enough. It need not be the first: one whose call
// has failed stands before those that had to wait for their extension.
func (b *batcher) due() time.Time {
	oldest := b.pending[0].since
	for _, l := range b.pending[1:] {
		oldest = earlier(oldest, l.since)
	}
	return oldest.Add(b.linger)
}

// wake returns the next time at which a batch is due by its age, or the zero time.
func (b *batcher) wake() time.Time {
	if len(b.pending) == 0 {
		return time.Time{}
	}
	if due := b.due(); b.trouble.until.Before(due) {
		return due
	}
	return b.trouble.until
}

// state is that of the lives of this batcher.
func (b *batcher) state() state {
	if b.kind == releaseCall {
		return releasing
	}
	return deleting // a letter's message is extended as one whose delete is under way
}

// take picks up to ten of b that may be sent now. One whose extension is under way
// has to wait for it, and at a stop one that would be received again.
func (h *hand) take(now time.Time, b *batcher) []*life {
	batch := make([]*life, 0, maxBatch)
	var kept []*life
	taken := 0
	for _, l := range b.pending {
		if len(batch) == maxBatch {
			break
		}
		taken++
		switch {
		case l.state != b.state() || !h.has(l): // lost meanwhile
		case l.out, h.releaseHasToWait(now, l):
			kept = append(kept, l)
		default:
			batch = append(batch, l)
		}
	}
	clear(b.pending[:taken])
	b.pending = b.pending[taken:]
	b.again(kept)
	return batch
}
