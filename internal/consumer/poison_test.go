package consumer

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// poisonAround counts the tries of poison that comes before, in and after an outage, until
// it is gone.
func poisonAround(t *testing.T, outage time.Duration, status int) map[string]int {
	t.Helper()
	tries := make(map[string]int)
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		q.attributes.MaxReceiveCount, q.retire = 3, 3
		begun := time.Now()
		poison := map[string]string{}
		bad := message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}
		if status == 500 {
			bad = message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}
		}
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			at := time.Since(begun)
			out := at >= time.Minute && at < time.Minute+outage
			if when := poison[m.ID]; when != "" && !out {
				tries[when]++
				return bad, 10 * time.Millisecond
			}
			if out {
				return message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}, 10 * time.Millisecond
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Backoff = 100 * time.Millisecond })
		sendPoison := func(when string) {
			f.mu.Lock()
			q.mu.Lock()
			poison[fmt.Sprintf("m%d", len(q.messages))] = when
			q.mu.Unlock()
			f.mu.Unlock()
			q.send(1)
		}
		for at := time.Duration(0); at < 4*time.Minute+outage; at += 100 * time.Millisecond {
			switch at {
			case 10 * time.Second:
				sendPoison("before")
			case time.Minute - 500*time.Millisecond:
				sendPoison("into")
			case time.Minute + outage + 5*time.Second:
				sendPoison("after")
			}
			q.send(2)
			pass(100 * time.Millisecond)
		}
		if n := q.left(); n > 5 {
			t.Errorf("%d are left", n)
		}
		if !strings.Contains(e.logs.String(), "gate closed") {
			t.Error("the gate has not closed")
		}
		e.abort()
		<-e.summary
	})
	return tries
}

func TestPoisonAfterAnOutageCostsNoMoreTriesThanBeforeIt(t *testing.T) {
	t.Parallel()
	outages := []time.Duration{15 * time.Second, 90 * time.Second}
	if raceDetector {
		outages = outages[:1]
	}
	for _, outage := range outages {
		for _, status := range []int{500, 503} {
			t.Run(fmt.Sprintf("%d after %s", status, outage), func(t *testing.T) {
				tries := poisonAround(t, outage, status)
				if tries["before"] == 0 || tries["after"] > tries["before"] || tries["into"] > tries["before"]+1 {
					t.Errorf("tries %v", tries)
				}
			})
		}
	}
}
