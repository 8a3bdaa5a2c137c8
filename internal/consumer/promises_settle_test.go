package consumer

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// deletingLife puts a message in hand that was delivered.
func deletingLife(e *engine, id string) *life {
	l := &life{message: &message.Message{ID: id, ReceiptHandle: id + "/1"}, key: keyOf(id), state: deleting, since: time.Now()}
	l.grant(time.Now(), time.Minute)
	e.hand.add(l)
	return l
}

func TestNoCallOvertakesAnotherOfItsMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := run(t, newFakeQueue(), newFakeTarget(0), ratelimit.Limits{Concurrency: 1}, nil)
		pass(time.Second)
		e.mu.Lock()
		l, other := deletingLife(e, "m0"), deletingLife(e, "m1")
		l.out = true
		e.hand.deletes.add(l)
		e.hand.deletes.add(other)
		if got := e.hand.take(time.Now(), &e.hand.deletes); len(got) != 1 || got[0] != other || len(e.hand.deletes.pending) != 1 {
			t.Errorf("%d go, %d wait", len(got), len(e.hand.deletes.pending))
		}
		e.mu.Unlock()
		e.abort()
		<-e.summary
	})
}

func TestAMessageThatCameAgainIsNotLostByItsOldHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := run(t, newFakeQueue(), newFakeTarget(0), ratelimit.Limits{Concurrency: 1}, nil)
		pass(time.Second)
		e.mu.Lock()
		l := deletingLife(e, "m0")
		l.renewed = true
		lost := &message.SQSError{Fault: message.Lost, Err: errors.New("gone")}
		e.hand.deletes.out++
		e.settledBatch(time.Now(), &call{kind: deleteCall, lives: []*life{l}}, []error{lost})
		if !e.hand.has(l) || len(e.hand.deletes.pending) != 1 {
			t.Errorf("in hand: %t, %d are deleted again", e.hand.has(l), len(e.hand.deletes.pending))
		}
		e.mu.Unlock()
		e.abort()
		<-e.summary
	})
}

func TestWhatIsDeletedIsForgottenAfterTwoVisibilities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.Visibility = 30 * time.Second })
		q.send(10)
		pass(50 * time.Second)
		if n := e.hand.ledger.size(); n != 10 {
			t.Errorf("%d are remembered for two visibilities", n)
		}
		pass(time.Minute)
		q.send(1)
		pass(10 * time.Second)
		if n := e.hand.ledger.size(); n != 1 {
			t.Errorf("%d are remembered beyond", n)
		}
		e.stop()
	})
}

func TestTheLedgerIsBounded(t *testing.T) {
	t.Parallel()
	b := newLedger()
	for i := range ledgerSize + 10 {
		b.deleted(keyOf(strconv.Itoa(i)), time.Now())
	}
	if b.size() != ledgerSize || b.evicted != 10 || b.has(keyOf("9")) || !b.has(keyOf("10")) {
		t.Errorf("%d are remembered, %d were evicted", b.size(), b.evicted)
	}
}
