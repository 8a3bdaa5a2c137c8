package consumer

import (
	"testing"
	"time"
)

func TestAReceiveThatIsOvertakenIsSlowOnlyAfterTwoRoundTrips(t *testing.T) {
	t.Parallel()
	d := newDemand(0)
	begun := time.Now()
	at := func(ms int) time.Time { return begun.Add(time.Duration(ms) * time.Millisecond) }
	first, second := d.send(at(0), maxBatch), d.send(at(1), maxBatch)
	d.returned(at(11), second, maxBatch)
	if asked, _, _ := d.look(at(11)); asked != maxBatch {
		t.Errorf("%d are asked for by a receive that another has overtaken by a little", asked)
	}
	third := d.send(at(12), maxBatch)
	d.returned(at(22), third, maxBatch)
	if asked, active, parked := d.look(at(22)); asked != 0 || active != 0 || parked != 0 || !first.slow {
		t.Errorf("asked %d, active %d, parked %d; the receive is slow", asked, active, parked)
	}
}
