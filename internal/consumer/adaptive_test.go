package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// refusals are the answers of a target of which too much is asked.
var refusals = map[string]message.Result{
	"429": throttled,
	"503": {Outcome: message.Unavailable, Status: 503, Reason: "5xx"},
}

func TestAdaptiveWorksOffABrownOutWithHardlyARefusal(t *testing.T) {
	t.Parallel()
	for name, refusal := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const messages, atOnce = 3000, 8
				q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
				refused := takesAtOnce(f, atOnce, refusal)
				q.send(messages)
				e := run(t, q, f, ratelimit.Limits{Concurrency: 50, Adaptive: true}, nil)
				pass(10 * time.Second)
				early := refused.Load()
				pass(messages * f.took / atOnce * 105 / 100)
				if n := len(f.took2xx()); n < messages {
					t.Errorf("%d of %d were delivered in the shortest time, 5 %% and 10 s", n, messages)
				}
				if n := refused.Load() - early; early > 60 || n > messages/100 {
					t.Errorf("%d refusals in the first 10 s, and %d later", early, n)
				}
				if !strings.Contains(e.logs.String(), "adaptive: concurrency changed") || !strings.Contains(e.logs.String(), name+" beside ") {
					t.Errorf("the log does not say why:\n%s", e.logs)
				}
				if n := strings.Count(e.logs.String(), name+" beside "); n > 2 {
					t.Errorf("%d lines of refusals within a minute", n)
				}
				e.abort()
				<-e.summary
			})
		})
	}
}

func TestAdaptiveSaysThatARefusalWithNothingElseRunningIsAQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		n := 0
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			if n++; n > 1 && n%3 == 0 {
				return throttled, time.Millisecond
			}
			return delivered2xx, f.took
		}
		q.send(20)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Adaptive: true, Limited: true, Rate: 10, Burst: 1}, nil)
		pass(time.Minute)
		if got := strings.Count(e.logs.String(), "this is a quota"); got != 1 {
			t.Errorf("said %d times:\n%s", got, e.logs)
		}
		e.abort()
		<-e.summary
	})
}
