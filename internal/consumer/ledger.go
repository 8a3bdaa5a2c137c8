package consumer

import (
	"crypto/sha256"
	"time"
)

// ledgerSize is how many messages the ledger remembers at most.
const ledgerSize = 100_000

// ledgerKey stands for a MessageId. A hash of a fixed size keeps the map free of
// pointers, so that 100,000 entries cost the garbage collector nothing. With 96 bits, and
// all of them in use, one message in 10^24 would be taken for another.
type ledgerKey [12]byte

func keyOf(messageID string) ledgerKey {
	sum := sha256.Sum256([]byte(messageID))
	return ledgerKey(sum[:12])
}

// ledger remembers what was delivered: a message that comes again after its
// delivery, because its delete failed or SQS handed it out twice, is deleted and
// not delivered. An entry is made when a delivery succeeded, and dropped two
// visibilities after the delete did: by then SQS has no copy left to hand out.
//
// It knows this process only.
type ledger struct {
	// entries have the second at which they are dropped; 0: not deleted yet.
	entries map[ledgerKey]uint32
	ticks   ticks
	// lines are what is deleted, the first to be dropped first. A line is current
	// while its key's entry has the same second. They lie in blocks, so that they
	// grow and go without being copied.
	lines   []*ledgerBlock
	from    int    // the first line of the first block that is kept
	to      int    // the end of the last block
	evicted uint64 // dropped for want of room
}

type ledgerLine struct {
	key     ledgerKey
	expires uint32
}

type ledgerBlock [512]ledgerLine

func newLedger() ledger {
	b := ledger{entries: make(map[ledgerKey]uint32)}
	b.ticks.elapsed(time.Now())
	return b
}

func (b *ledger) has(key ledgerKey) bool {
	_, ok := b.entries[key]
	return ok
}

func (b *ledger) size() int { return len(b.entries) }

// enter remembers a message that was delivered and is not deleted yet. Those are in
// hand, which bounds them.
func (b *ledger) enter(key ledgerKey) { b.entries[key] = 0 }

// deleted lets a message be forgotten after expires: it is deleted, or out of our
// hands for good. Later calls have later times, except for a while after the
// queue's visibility was lowered: then some are remembered for longer.
func (b *ledger) deleted(key ledgerKey, expires time.Time) {
	line := ledgerLine{key: key, expires: uint32(b.ticks.second(expires) + 1)} //nolint:gosec // for 136 years
	if len(b.lines) == 0 || b.to == len(ledgerBlock{}) {
		b.lines = append(b.lines, new(ledgerBlock))
		b.to = 0
	}
	b.lines[len(b.lines)-1][b.to] = line
	b.to++
	b.entries[key] = line.expires
	for len(b.entries) > ledgerSize && b.oldest() != nil {
		if b.drop() {
			b.evicted++
		}
	}
}

// expire drops what may be forgotten at now.
func (b *ledger) expire(now time.Time) {
	for line := b.oldest(); line != nil && int64(line.expires) <= b.ticks.second(now); line = b.oldest() {
		b.drop()
	}
}

// oldest is the first line; nil if there is none.
func (b *ledger) oldest() *ledgerLine {
	if len(b.lines) == 0 || len(b.lines) == 1 && b.from == b.to {
		return nil
	}
	return &b.lines[0][b.from]
}

// drop takes the first line away, and its entry if it is the current one.
func (b *ledger) drop() bool {
	line := b.oldest()
	expires, ok := b.entries[line.key]
	current := ok && expires == line.expires
	if current {
		delete(b.entries, line.key)
	}
	if b.from++; b.from == len(ledgerBlock{}) {
		b.lines[0] = nil
		b.lines, b.from = b.lines[1:], 0
		if len(b.lines) == 0 {
			b.to = 0
		}
	}
	return current
}
