package consumer

import (
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
		memory := &Memory{Limit: 400_000}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 200}, func(o *Options) { o.Memory = memory })
		pass(30 * time.Second)
		if n := e.Snapshot(time.Now()).InHand["delivering"]; n < 25 || n > 45 {
			t.Errorf("%d messages of 10 KB in hand within 400 KB", n)
		}
		pass(20 * time.Minute)
		e.stop()
		if n := memory.bytes(); n != 0 || q.left() != 0 {
			t.Errorf("%d bytes are counted though nothing is in hand; %d messages left", n, q.left())
		}
	})
}
