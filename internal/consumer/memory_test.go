package consumer

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestAttributesCountToTheMemoryThatBoundsWhatIsInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Minute)
		q.send(400)
		large := map[string]message.Attribute{"trace": {DataType: "String", StringValue: strings.Repeat("x", 10_000)}}
		for _, m := range q.messages {
			m.attributes = large
		}
		memory := NewMemory(400_000)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 200}, func(o *Options) { o.Memory = memory })
		pass(30 * time.Second)
		if n := e.Snapshot(time.Now()).InHand["delivering"]; n < 25 || n > 45 {
			t.Errorf("%d messages of 10 KB in hand within 400 KB", n)
		}
		pass(20 * time.Minute)
		e.stop()
		if n := memory.Use(); n.Messages+n.Receives != 0 || q.left() != 0 {
			t.Errorf("%+v is counted though nothing is in hand; %d messages left", n, q.left())
		}
	})
}

func TestWhatADeliveryCopiesCountsToTheMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Minute)
		q.send(400)
		for _, m := range q.messages {
			m.body = strings.Repeat("x", 4_000)
		}
		memory := NewMemory(400_000)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 200}, func(o *Options) {
			o.Memory, o.Copied = memory, func(m *message.Message) int { return 2 * len(m.Body) }
		})
		pass(30 * time.Second)
		if n := e.Snapshot(time.Now()).InHand["delivering"]; n < 20 || n > 40 {
			t.Errorf("%d messages of 4 KB, which take 12 KB each, in hand within 400 KB", n)
		}
		pass(40 * time.Minute)
		e.stop()
		if n := memory.Use(); n.Messages+n.Receives != 0 || q.left() != 0 {
			t.Errorf("%+v is counted though nothing is in hand; %d messages left", n, q.left())
		}
	})
}

func TestTheBudgetIsHalfOfWhatTheProgramLeaves(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, test := range []struct {
		limit         int64
		slots, queues int
		want          float64 // MiB
	}{
		{0, 10_000, 300, 64},
		{128 * mib, 64, 1, (128 - 16 - 8 - 2.5 - 0.125) / 2},
		{256 * mib, 1000, 100, (256 - 16 - 8 - 39.0625 - 12.5) / 2},
		{48 * mib, 64, 1, (48 - 16 - 8 - 2.5 - 0.125) / 2},
		{32 * mib, 1000, 1, 4},
	} {
		if got := Budget(test.limit, test.slots, test.queues); got != int64(test.want*mib) {
			t.Errorf("of %d MiB with %d slots and %d queues: %d, want %d", test.limit/mib, test.slots, test.queues, got, int64(test.want*mib))
		}
	}
}

func TestAnAnswerWaitsUntilItFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(100)
		begun := time.Now()
		admitted := make(map[string]time.Duration)
		admit := func(name string, p *promise, bytes int) {
			p.admit(t.Context(), bytes)
			admitted[name] = time.Since(begun)
		}
		first, second, third, late := m.promise(10), m.promise(10), m.promise(10), m.promise(10)
		go admit("too large, alone", first, 200)
		synctest.Wait()
		go admit("fits once the first is done", second, 60)
		pass(time.Second)
		first.end()
		synctest.Wait()
		if use := m.Use(); len(admitted) != 2 || use.Receives != 60+10+10 {
			t.Fatalf("admitted %v, %+v", admitted, use)
		}
		go admit("too large, the next", third, 150)
		synctest.Wait()
		go admit("at last", late, 50)
		pass(10 * time.Second)
		want := map[string]time.Duration{
			"too large, alone": 0, "fits once the first is done": time.Second, "too large, the next": time.Second,
			"at last": time.Second + admitWithin,
		}
		if !maps.Equal(admitted, want) {
			t.Errorf("admitted after %v, want %v", admitted, want)
		}
		for _, p := range []*promise{second, third, late} {
			p.end()
		}
		if use := m.Use(); use.Receives != 0 || use.Free() != 100 {
			t.Errorf("%+v is promised though no receive is out", use)
		}
	})
}

func TestAnAnswerThatIsCanceledWaitsNoLonger(t *testing.T) {
	t.Parallel()
	m := NewMemory(10)
	m.promise(0).admit(t.Context(), 20)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.promise(0).admit(ctx, 20) // returns
}

func TestReceivesOfAllQueuesAskForWhatFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := NewMemory(30 * (perMessage + 1000))
		var engines []*engine
		for range 3 {
			q, f := newFakeQueue(), newFakeTarget(time.Minute)
			q.send(100)
			for _, m := range q.messages {
				m.body = strings.Repeat("x", 1000)
			}
			engines = append(engines, run(t, q, f, ratelimit.Limits{Concurrency: 100}, func(o *Options) { o.Memory = memory }))
		}
		for range 100 {
			pass(time.Second)
			if use := memory.Use(); use.Messages > use.Budget+3*maxBatch*1000 {
				t.Errorf("%+v is in hand; want the budget, and the bodies of three receives whose size was not known yet", use)
				break
			}
		}
		for i, e := range engines {
			if n := e.Snapshot(time.Now()).Received; n == 0 {
				t.Errorf("queue %d has received nothing", i)
			}
		}
		for _, e := range engines {
			e.abort()
			<-e.summary
		}
	})
}

func TestADeliveredMessageLeavesItsBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(3)
		for _, m := range q.messages {
			m.body = strings.Repeat("x", 10_000)
		}
		memory := NewMemory(defaultBudget)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Memory = memory })
		pass(time.Second) // the deletes linger
		if use := memory.Use(); use.Messages != 3*perMessage || e.Snapshot(time.Now()).InHand["deleting"] != 3 {
			t.Errorf("%d bytes are in hand of three messages that wait to be deleted", use.Messages)
		}
		e.stop()
	})
}
