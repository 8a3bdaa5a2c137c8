package consumer

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// refusing has a tenth of the messages, or of the tries, answered so.
func refusing(f *fakeTarget, result message.Result, always bool) {
	f.answer = func(m *message.Message, try int) (message.Result, time.Duration) {
		key := m.ID
		if !always {
			key += "/" + strconv.Itoa(try)
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(key))
		if h.Sum32()%10 == 0 {
			return result, 5 * time.Millisecond
		}
		return delivered2xx, f.took
	}
}

func TestWhatOneMessageIsRefusedStopsNobodyElse(t *testing.T) {
	t.Parallel()
	const rate = 50
	lasts := 4 * time.Minute
	if raceDetector {
		lasts = 100 * time.Second
	}

	unavailable := message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}
	type refusal struct {
		result message.Result
		told   time.Duration
		always bool
		slots  int
	}
	var all []refusal
	for i, result := range []message.Result{throttled, unavailable} {
		for j, told := range []time.Duration{0, 30 * time.Second, 10 * time.Minute} {
			three := []refusal{{result, told, true, 2}, {result, told, true, 64}, {result, told, false, 10}}
			if raceDetector {
				// It makes each of them twenty times slower: one of the three, each in its turn.
				three = three[(i+j)%3:][:1]
			}
			all = append(all, three...)
		}
	}
	for _, r := range all {
		t.Run(fmt.Sprintf("%d told %v always %v slots %d", r.result.Status, r.told, r.always, r.slots), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
				r.result.RetryAfter = r.told
				refusing(f, r.result, r.always)
				q.attributes.MaxReceiveCount, q.retire = 5, 5
				q.send(int(lasts.Seconds()*rate) + 1000)
				e := run(t, q, f, ratelimit.Limits{Concurrency: r.slots, Limited: true, Rate: rate, Burst: 1}, nil)
				pass(lasts)
				held, delivered := e.Snapshot(time.Now()).InHand["held"], f.took2xx()
				if want := int(0.95 * 0.9 * rate * lasts.Seconds()); len(delivered) < want {
					t.Errorf("%d good ones were delivered, 95 %% of an oracle's are %d; %d are held", len(delivered), want, held)
				}
				if held > 1000+2*r.slots {
					t.Errorf("%d are held", held)
				}
				dead := 0
				for _, m := range q.retired() {
					if delivered[m] == 0 {
						dead++
					}
				}
				if poison := r.result.Status == 503 && r.told == 0 && r.always; dead > 0 && !poison {
					t.Errorf("%d are in the dead-letter queue", dead)
				}
				e.abort()
				<-e.summary
			})
		})
	}
}

func TestTheLogSaysThatATargetRejectsEverythingInThePagesWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			return message.Result{Outcome: message.Rejected, Status: 422, Reason: "4xx"}, f.took
		}
		q.send(50)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(5 * time.Second)
		want := `msg="gate closed: target rejects everything, holding messages and probing"`
		said := e.said()
		if !strings.Contains(said, want) || !strings.Contains(said, `reason="rejects everything since 00:00:00: 422 (`) || !strings.Contains(said, "released=5") {
			t.Errorf("it is not said:\n%s", said)
		}
		e.abort()
		<-e.summary
	})
}
