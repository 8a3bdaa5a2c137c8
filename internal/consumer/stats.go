package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// settled is how a message left our hands.
type settled uint8

const (
	doneDelivered    settled = iota // deleted after its delivery
	doneFailed                      // tried, released with a delay
	doneRejected                    // rejected by the target, released with a delay
	doneUntried                     // released untried
	doneCutOff                      // released while its delivery was still running
	doneDeadLettered                // rejected, sent to the dead-letter queue and deleted
	doneDiscarded                   // rejected and deleted
	doneAbandoned                   // neither deleted nor released by us

	dones
)

// String is the label of poller_messages_settled_total.
func (s settled) String() string {
	return [dones]string{"delivered", "failed", "rejected", "released", "cut_off", "dead_lettered", "discarded", "abandoned"}[s]
}

// Results of an extension, for the metrics.
type extensionResult uint8

const (
	extensionOK extensionResult = iota
	extensionFailed
	extensionLost

	extensionResults
)

func (r extensionResult) String() string {
	return [extensionResults]string{"ok", "failed", "lost"}[r]
}

// deliveryKey sorts deliveries. Outcome and status label poller_deliveries_total.
type deliveryKey struct {
	outcome message.Outcome
	status  string
	answer  message.Answer
}

// stats counts what happened. The metrics, the page and the last line read it.
type stats struct {
	received   int64
	receives   [receiveResults]int64
	duplicates int64 // received while in hand
	ledgerHits int64
	settled    [dones]int64
	undeleted  int64 // abandoned after their delivery
	stranded   int64 // abandoned at the stop
	extensions [extensionResults]int64
	deliveries map[deliveryKey]int64
	durations  Durations // of delivered deliveries
	waits      Waits
	batches    batchStats
	started    perSecond
	arrived    perSecond // delivered deliveries
}

func newStats() stats {
	s := stats{deliveries: make(map[deliveryKey]int64)}
	// From the start, so that a rate does not miss its first event.
	s.deliveries[deliveryKey{message.Delivered, "2xx", message.Answer{Status: 200}}] = 0
	return s
}

func (s *stats) delivered(now time.Time, result message.Result) {
	s.deliveries[deliveryKey{result.Outcome, result.Reason, result.Answer()}]++
	if result.Outcome == message.Delivered {
		s.arrived.add(now)
	}
}

// batchStats counts requests that may carry several messages.
type batchStats struct {
	sizes     []int // of the last ones, the oldest first
	dissolved int64 // failed as a whole, so that its messages are tried alone
}

// batchesKept is how many of the last requests' sizes are kept.
const batchesKept = 20

func (b *batchStats) add(size int) {
	b.sizes = append(b.sizes[max(0, len(b.sizes)-batchesKept+1):], size)
}

func (s *stats) summary() Summary {
	return Summary{
		Delivered: s.settled[doneDelivered],
		Failed:    s.settled[doneFailed],
		Rejected:  s.settled[doneRejected],
		Released:  s.settled[doneUntried],
		CutOff:    s.settled[doneCutOff],

		DeadLettered: s.settled[doneDeadLettered],
		Discarded:    s.settled[doneDiscarded],

		Abandoned:  s.settled[doneAbandoned],
		Duplicates: s.undeleted,
		Stranded:   s.stranded,
	}
}

// perSecond counts events in the last ten whole seconds.
type perSecond struct {
	ticks  ticks
	counts [11]int64
	newest int64 // second of the newest count
}

func (p *perSecond) add(now time.Time) {
	p.advance(now)
	p.counts[p.newest%int64(len(p.counts))]++
}

// mean is how many there were a second, over the last ten whole seconds, or those since
// counting began.
func (p *perSecond) mean(now time.Time) float64 {
	p.advance(now)
	sum := int64(0)
	for i, n := range p.counts {
		if int64(i) != p.newest%int64(len(p.counts)) { // the present second is not whole
			sum += n
		}
	}
	return float64(sum) / float64(min(max(p.newest-1, 1), int64(len(p.counts)-1)))
}

func (p *perSecond) advance(now time.Time) {
	second := p.ticks.second(now)
	if second-p.newest >= int64(len(p.counts)) {
		p.counts = [11]int64{}
		p.newest = second
	}
	for p.newest < second {
		p.newest++
		p.counts[p.newest%int64(len(p.counts))] = 0
	}
}
