package admin

import (
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func delivered2xx(n int64) Status {
	s := idle()
	s.Targets[0].Deliveries = []Deliveries{{Outcome: "delivered", Status: "2xx", Count: n}, {Outcome: "failed", Status: "5xx", Count: 3}}
	return s
}

func TestTheLastMinuteIsWhatWasCountedSinceAMinuteAgo(t *testing.T) {
	var h history
	for i := range 100 {
		h.add(noon.Add(time.Duration(i)*sampleEvery), delivered2xx(int64(i)*10))
	}
	now := noon.Add(100*sampleEvery - time.Second) // 4 s after the last sample
	s := delivered2xx(1000)
	h.complete(now, &s)
	// The sample of 64 s ago, number 87, is the latest that is at least a minute old.
	want := []Deliveries{{Outcome: "delivered", Status: "2xx", Count: 1000 - 870}}
	if got := s.Targets[0].DeliveriesLastMinute; !slices.Equal(got, want) {
		t.Errorf("the last minute has %v, not %v", got, want)
	}
}

func TestInTheFirstMinuteEverythingIsTheLastMinute(t *testing.T) {
	var h history
	h.add(noon, delivered2xx(0))
	s := delivered2xx(7)
	h.complete(noon.Add(30*time.Second), &s)
	want := []Deliveries{{Outcome: "delivered", Status: "2xx", Count: 7}, {Outcome: "failed", Status: "5xx", Count: 3}}
	if got := s.Targets[0].DeliveriesLastMinute; !slices.Equal(got, want) {
		t.Errorf("the last minute has %v, not %v", got, want)
	}
}

func TestTheHistoryKeepsAQuarterOfAnHour(t *testing.T) {
	var h history
	for i := range 1000 {
		s := behind()
		if i%2 == 0 {
			s.Queues[0].Depth = nil
		}
		h.add(noon.Add(time.Duration(i)*sampleEvery), s)
	}
	c := h.columns("")
	if len(c.At) != 181 || c.At[180]-c.At[0] != 15*60 {
		t.Fatalf("the history has %d samples", len(c.At))
	}
	q := c.Queues[0]
	if len(q.Lag) != 181 || len(q.Visible) != 181 || len(q.Started) != 181 || len(q.Delivered) != 181 {
		t.Errorf("the columns differ in length: %d %d %d %d", len(q.Lag), len(q.Visible), len(q.Started), len(q.Delivered))
	}
	if q.Visible[180] == nil || q.Visible[179] != nil {
		t.Error("an unknown depth is not null, or a known one is")
	}
}

// silent is a listener that gets no connections.
type silent struct{ closed chan struct{} }

func (l silent) Accept() (net.Conn, error) { <-l.closed; return nil, net.ErrClosed }
func (l silent) Close() error              { close(l.closed); return nil }
func (l silent) Addr() net.Addr            { return &net.TCPAddr{} }

func TestTheHistoryIsTakenFromServeToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&port{status: behind()}).server(t)
		served := make(chan error, 1)
		go func() { served <- s.Serve(silent{make(chan struct{})}) }()
		time.Sleep(time.Minute + time.Millisecond)
		if n := len(s.history.columns("").At); n != 13 {
			t.Errorf("in a minute %d samples were taken, not 13", n)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestAQueueThatShowsNothingNewSharesItsSample(t *testing.T) {
	t.Parallel()
	var h history
	s := behind()
	h.add(noon, s)
	h.add(noon.Add(sampleEvery), s)
	s.Queues[0].Lag++
	h.add(noon.Add(2*sampleEvery), s)
	first, same, other := h.samples[0].queues[0], h.samples[1].queues[0], h.samples[2].queues[0]
	if first != same || same == other {
		t.Error("an idle queue takes memory for each sample, or one whose lag grows does not")
	}
	if lag := h.columns("").Queues[0].Lag; lag[0] != lag[1] || lag[2] != lag[1]+1 {
		t.Errorf("the lag was %v", lag)
	}
}
