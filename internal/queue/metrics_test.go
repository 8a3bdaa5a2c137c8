package queue

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
)

func TestRequestsAreCountedAndWhatSQSBills(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		s := localsqs.New()
		t.Cleanup(s.Close)
		if _, err := s.CreateQueue("orders", nil); err != nil {
			t.Fatal(err)
		}
		reg := prometheus.NewPedanticRegistry()
		c := newTestClient(t, s, reg)
		q, err := c.Open(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		if errs := q.Send(t.Context(), []Draft{{Body: strings.Repeat("x", 64<<10)}, {Body: "y"}}); errs != nil {
			t.Fatal(errs)
		}
		for range 2 { // the first returns 64 KiB and a byte, the second waits in vain
			if _, err := q.Receive(t.Context(), 10, 20*time.Second, time.Minute, ""); err != nil {
				t.Fatal(err)
			}
		}
		wantFault(t, q.Delete(t.Context(), []string{"nobody's"})[0], message.Lost)
		s.Close()
		wantFault(t, q.Delete(t.Context(), []string{"nobody's"})[0], message.Network)

		var b strings.Builder
		b.WriteString("# HELP poller_sqs_billed_requests_total Requests as SQS bills them: every 64 KiB of a request's messages is one. " +
			"Requests that were throttled, failed in SQS or got no response are not counted.\n# TYPE poller_sqs_billed_requests_total counter\n")
		for action, n := range map[string]string{
			"GetQueueUrl": "1", "SendMessageBatch": "2", "ReceiveMessage": "3", "DeleteMessageBatch": "1",
			"ChangeMessageVisibilityBatch": "0", "GetQueueAttributes": "0",
		} {
			b.WriteString(`poller_sqs_billed_requests_total{action="` + action + `",queue="orders"} ` + n + "\n")
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(b.String()), "poller_sqs_billed_requests_total"); err != nil {
			t.Error(err)
		}
		for action, want := range map[string]map[message.Fault]float64{
			"ReceiveMessage":     {message.NoFault: 2},
			"DeleteMessageBatch": {message.NoFault: 1, message.Network: 1, message.Lost: 0},
		} {
			for fault, n := range want {
				if got := counted(t, reg, "poller_sqs_requests_total", map[string]string{"queue": "orders", "action": action, "result": result(fault)}); got != n {
					t.Errorf("%s %s: %v, want %v", action, result(fault), got, n)
				}
			}
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "poller_sqs_request_duration_seconds" {
				continue
			}
			for _, m := range f.GetMetric() {
				if m.GetLabel()[0].GetValue() == "ReceiveMessage" && m.GetHistogram().GetSampleCount() != 1 {
					t.Errorf("the durations count %d receives, want only the one that did not wait", m.GetHistogram().GetSampleCount())
				}
			}
		}
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
	})
}

// counted returns a counter, or 0 if it is not there.
func counted(t *testing.T, reg *prometheus.Registry, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			same := f.GetName() == name
			for _, l := range m.GetLabel() {
				same = same && labels[l.GetName()] == l.GetValue()
			}
			if same {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestWhatAnAlertCountsFrom0IsThereFromTheStart(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	m, err := newMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	m.of("orders")
	var want strings.Builder
	want.WriteString("# HELP poller_sqs_requests_total Requests to SQS, by result. A batch with failed entries is ok.\n# TYPE poller_sqs_requests_total counter\n")
	for _, labels := range []string{
		`action="ChangeMessageVisibilityBatch",queue="orders",result="ok"`, `action="ChangeMessageVisibilityBatch",queue="orders",result="refused"`,
		`action="DeleteMessageBatch",queue="orders",result="ok"`, `action="DeleteMessageBatch",queue="orders",result="refused"`,
		`action="GetQueueAttributes",queue="orders",result="ok"`,
		`action="ReceiveMessage",queue="orders",result="ok"`, `action="ReceiveMessage",queue="orders",result="refused"`,
	} {
		want.WriteString("poller_sqs_requests_total{" + labels + "} 0\n")
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want.String()), "poller_sqs_requests_total"); err != nil {
		t.Error(err)
	}
}

func TestADurationIsInTheFirstBucketThatHoldsIt(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	m, err := newMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, took := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 6 * time.Millisecond, 10 * time.Second, time.Minute} {
		m.of("orders").lasted(deleteBatch, took) // each time the same tally
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "poller_sqs_request_duration_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 5 || h.GetSampleSum() != 70.012 {
			t.Errorf("%d calls took %g s", h.GetSampleCount(), h.GetSampleSum())
		}
		want := map[float64]uint64{.0025: 1, .005: 2, .01: 3, 5: 3, 10: 4}
		for _, b := range h.GetBucket() {
			if n, ok := want[b.GetUpperBound()]; ok && n != b.GetCumulativeCount() {
				t.Errorf("%d calls took at most %g s, want %d", b.GetCumulativeCount(), b.GetUpperBound(), n)
			}
		}
		return
	}
	t.Error("there are no durations")
}
