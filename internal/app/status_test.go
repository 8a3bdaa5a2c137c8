package app

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func snapshot() consumer.Snapshot {
	return consumer.Snapshot{
		Blocked:          "groups",
		Lag:              consumer.Lag{Age: 90 * time.Second, Known: true},
		Depth:            message.Depth{Visible: 7, InFlight: 3, Delayed: 1},
		DepthAt:          noon.Add(-2 * time.Second),
		Drain:            consumer.Drain{State: consumer.DrainGrowing, Left: 12, Seconds: math.Inf(1)},
		InHand:           map[string]int{"waiting": 2},
		Receives:         map[string]int64{"full": 4},
		Settled:          map[string]int64{"delivered": 5},
		Extensions:       map[string]int64{"ok": 6},
		StartedPerSecond: 3, DeliveredPerSecond: 2,
		MeanDelivery: 200 * time.Millisecond,
		Deliveries: []consumer.Deliveries{
			{Outcome: message.Failed, Status: "5xx", Count: 2},
			{Outcome: message.Delivered, Status: "2xx", Count: 5},
		},
		Problem:  &consumer.Problem{What: "ReceiveMessage on orders: access denied", Since: noon.Add(-time.Minute), Fault: message.Refused},
		Failures: []consumer.Failure{{At: noon, MessageID: "m1", ReceiveCount: 2, Outcome: "failed", Status: 500, Reason: "5xx"}},
	}
}

func TestAQueuesStatusSaysAllThatTheConsumerKnows(t *testing.T) {
	q := queueStatus("orders", "partner", snapshot())
	if q.Depth == nil || *q.Depth != (admin.Depth{Visible: 7, InFlight: 3, Delayed: 1, AsOf: noon.Add(-2 * time.Second)}) {
		t.Errorf("depth: %+v", q.Depth)
	}
	if q.Problem == nil || q.Problem.Fault != "refused" || !q.Problem.Since.Equal(noon.Add(-time.Minute)) {
		t.Errorf("problem: %+v", q.Problem)
	}
	if q.InHand["waiting"] != 2 || q.Receives["full"] != 4 || q.Settled["delivered"] != 5 || q.Extensions["ok"] != 6 {
		t.Errorf("counts: %+v", q)
	}
	if q.Blocked != "groups" {
		t.Errorf("blocked: %q", q.Blocked)
	}
	if !math.IsInf(float64(q.Drain), 1) || q.DrainState != admin.DrainGrowing || q.Left != 12 {
		t.Errorf("drain: %v %s, %d left", q.Drain, q.DrainState, q.Left)
	}
	if q.Lag != admin.Seconds(90*time.Second) {
		t.Errorf("lag: %v", q.Lag)
	}
	if f := failuresOf("orders", snapshot()); len(f) != 1 || f[0].Queue != "orders" || f[0].MessageID != "m1" || f[0].Status != 500 {
		t.Errorf("failures: %+v", f)
	}
}

func TestARefusalIsKnownByItsReason(t *testing.T) {
	t.Parallel()
	for _, reason := range adapt.Reasons() {
		is := adaptiveStatus(adapt.Status{History: []adapt.Change{{Reason: reason}}}, true)
		if is.Changes[0].Refused() != (reason == adapt.Refused) {
			t.Errorf("%v is a refusal: %v", reason, is.Changes[0].Refused())
		}
	}
}

func TestADepthThatSQSHasNotSaidIsUnknown(t *testing.T) {
	s := snapshot()
	s.DepthAt = time.Time{}
	if q := queueStatus("orders", "partner", s); q.Depth != nil {
		t.Errorf("depth: %+v", q.Depth)
	}
}

func TestALagThatIsNotKnownIsNull(t *testing.T) {
	s := snapshot()
	s.Lag = consumer.Lag{}
	for name, q := range map[string]admin.Queue{"unknown": queueStatus("orders", "partner", s), "unreached": unreached("orders", "partner", nil)} {
		body, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(body), `"lag_seconds":null`) {
			t.Errorf("%s: the lag is not null: %s", name, body)
		}
	}
}

func TestTheDeadLetterQueueIsInTheStatusAsFarAsItIsKnown(t *testing.T) {
	s := snapshot()
	if q := queueStatus("orders", "partner", s); q.DeadLetters != nil {
		t.Errorf("without one: %+v", q.DeadLetters)
	}
	s.DeadLetters = consumer.DeadLetters{Name: "orders-dlq", Sent: 2}
	if d := queueStatus("orders", "partner", s).DeadLetters; d == nil || d.Name != "orders-dlq" || d.Sent != 2 || d.Messages != nil || d.Since != nil || d.AsOf != nil {
		t.Errorf("unknown: %+v", d)
	}
	s.DeadLetters = consumer.DeadLetters{Name: "orders-dlq", Known: true, Messages: 5, At: noon, Since: noon.Add(-time.Hour)}
	if d := queueStatus("orders", "partner", s).DeadLetters; *d.Messages != 5 || !d.AsOf.Equal(noon) || !d.Since.Equal(noon.Add(-time.Hour)) {
		t.Errorf("known: %+v", d)
	}
}

func TestAQueueThatWasNotReachedSaysWhy(t *testing.T) {
	q := unreached("orders", "partner", &admin.Problem{What: "GetQueueUrl on orders: connection refused", Since: noon})
	if q.Problem == nil || q.Problem.What != "GetQueueUrl on orders: connection refused" {
		t.Errorf("problem: %+v", q.Problem)
	}
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), `"in_hand":null`) {
		t.Errorf("in_hand is not an object: %s", body)
	}
}

func TestATargetAddsUpItsQueues(t *testing.T) {
	slow := snapshot()
	slow.MeanDelivery, slow.DeliveredPerSecond = 800*time.Millisecond, 1
	idle := snapshot()
	idle.MeanDelivery, idle.DeliveredPerSecond, idle.StartedPerSecond = 0, 0, 0
	got := targetStatus("partner", "https://partner.example", ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 28, Burst: 3}, 4,
		[]consumer.Snapshot{snapshot(), slow, idle})

	if !reflect.DeepEqual(got.Pace, admin.Pace{Rate: 28, Burst: 3, Concurrency: 10}) || got.Delivering != 4 || got.StartedPerSecond != 6 {
		t.Errorf("pace: %+v", got)
	}
	if math.Abs(float64(got.MeanDelivery)-0.4) > 1e-3 {
		t.Errorf("mean delivery: %v, not 0.4: two parts of 0.2 and one of 0.8", got.MeanDelivery)
	}
	want := []admin.Deliveries{{Outcome: "delivered", Status: "2xx", Count: 15}, {Outcome: "failed", Status: "5xx", Count: 6}}
	if len(got.Deliveries) != 2 || got.Deliveries[0] != want[0] || got.Deliveries[1] != want[1] {
		t.Errorf("deliveries: %+v", got.Deliveries)
	}
}

func TestATargetWithoutARateHasNoLimit(t *testing.T) {
	got := targetStatus("partner", "", ratelimit.Limits{Concurrency: 10, Burst: 1}, 0, nil)
	body, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"rate_per_second":null`, `"mean_delivery_seconds":null`, `"deliveries":[]`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
}

func TestATargetsPlaceHasNoSecrets(t *testing.T) {
	if got := place("https://user:hunter2@partner.example:8443/hook?key=s3cret#x"); got != "https://partner.example:8443" {
		t.Errorf("place is %q", got)
	}
	if got := place("://"); got != "" {
		t.Errorf("an invalid URL has the place %q", got)
	}
}
