package consumer

import (
	"crypto/sha256"
	"time"
)

// ledgerSize is how many messages the ledger remembers at most.
const ledgerSize = 100_000

// ledgerKey stands for a MessageId. A hash of a fixed size keeps the map free of
// pointers, so that 100,000 entries cost the garbage collector nothing.
type ledgerKey [16]byte

func keyOf(messageID string) ledgerKey {
	sum := sha256.Sum256([]byte(messageID))
	return ledgerKey(sum[:16])
}

// ledger remembers what was delivered: a message that comes again after its
// delivery, because its delete failed or SQS handed it out twice, is deleted and
// not delivered. An entry is made when a delivery succeeded, and dropped two
// visibilities after the delete did: by then SQS has no copy left to hand out.
//
// It knows this process only.
type ledger struct {
	entries map[ledgerKey]uint64 // the number of the newest line about the key
	lines   []ledgerLine         // a ring in the order of entering
	head    uint64               // the number of the oldest line kept
	next    uint64               // the number of the next line
	evicted uint64               // dropped for want of room
}

type ledgerLine struct {
	key     ledgerKey
	expires int64 // Unix seconds; 0: not deleted yet
}

func newLedger() ledger {
	return ledger{entries: make(map[ledgerKey]uint64)}
}

func (b *ledger) has(key ledgerKey) bool {
	_, ok := b.entries[key]
	return ok
}

func (b *ledger) size() int { return len(b.entries) }

// enter remembers a message that was delivered and is not deleted yet.
func (b *ledger) enter(key ledgerKey) { b.write(key, 0) }

// deleted lets a message be forgotten after expires: it is deleted, or out of our
// hands for good. The line goes to the end of the ring, so that the oldest lines are
// the first to expire.
func (b *ledger) deleted(key ledgerKey, expires time.Time) { b.write(key, expires.Unix()+1) }

func (b *ledger) write(key ledgerKey, expires int64) {
	if b.next-b.head == uint64(len(b.lines)) {
		b.grow()
	}
	b.lines[b.next%uint64(len(b.lines))] = ledgerLine{key: key, expires: expires}
	b.entries[key] = b.next
	b.next++
	for len(b.entries) > ledgerSize {
		b.dropOldest()
	}
}

// grow doubles the ring. Lines that a newer one has replaced are left behind, so
// the ring holds at most twice as many lines as there are entries.
func (b *ledger) grow() {
	kept := make([]ledgerLine, 0, max(64, 2*len(b.entries)))
	for n := b.head; n < b.next; n++ {
		line := b.lines[n%uint64(len(b.lines))]
		if b.current(line.key, n) {
			b.entries[line.key] = uint64(len(kept))
			kept = append(kept, line)
		}
	}
	b.head, b.next = 0, uint64(len(kept))
	b.lines = kept[:cap(kept)]
	if b.next == uint64(len(b.lines)) {
		b.lines = append(b.lines, make([]ledgerLine, len(b.lines))...)
	}
}

func (b *ledger) dropOldest() {
	line := b.lines[b.head%uint64(len(b.lines))]
	if b.current(line.key, b.head) {
		delete(b.entries, line.key)
		b.evicted++
	}
	b.head++
}

// current says whether line n is the newest about key.
func (b *ledger) current(key ledgerKey, n uint64) bool {
	newest, ok := b.entries[key]
	return ok && newest == n
}

// expire drops what may be forgotten at now.
func (b *ledger) expire(now time.Time) {
	for b.head < b.next {
		line := b.lines[b.head%uint64(len(b.lines))]
		current := b.current(line.key, b.head)
		if current && (line.expires == 0 || now.Unix() < line.expires) {
			return
		}
		if current {
			delete(b.entries, line.key)
		}
		b.head++
	}
}
