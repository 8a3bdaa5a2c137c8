package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestAClockThatIsWrongIsSaidOnceAndTheLagIsSQSs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.offset.Store(int64(10 * time.Minute))
		q.send(600)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1, Limited: true, Rate: 10, Burst: 1}, nil)
		pass(30 * time.Second)
		if lag := e.Snapshot(time.Now()).Lag.Age; lag < 29*time.Second || lag > 31*time.Second {
			t.Errorf("the lag is %s after 30 s", lag)
		}
		const wrong, right = "this machine's clock differs from SQS's", "this machine's clock agrees with SQS's again"
		if n := strings.Count(e.logs.String(), wrong); n != 1 || !strings.Contains(e.logs.String(), "clock_offset=10m0s") {
			t.Errorf("%d lines in 30 s:\n%s", n, e.logs)
		}
		for range 60 { // as answers of several machines may have it
			q.offset.Store(int64(20 * time.Second))
			pass(time.Second)
			q.offset.Store(0)
			pass(time.Second)
		}
		pass(2 * time.Minute)
		said := e.said()
		if lines := strings.Count(said, wrong) + strings.Count(said, right); lines < 2 || lines > 5 {
			t.Errorf("%d lines in four and a half minutes:\n%s", lines, said)
		}
		if strings.LastIndex(said, right) < strings.LastIndex(said, wrong) {
			t.Errorf("the clock is right, and the log does not say so:\n%s", said)
		}
		e.stop()
	})
}
