package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

func TestEverythingIsMovedAsItWas(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 25)
		got, err := Run(t.Context(), t.Context(), r.options())
		if err != nil || got != (Result{Moved: 25}) {
			t.Errorf("%+v, %v", got, err)
		}
		if left, _ := r.in(t, r.from); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		bodies, all := r.in(t, r.to)
		slices.Sort(bodies)
		if len(slices.Compact(bodies)) != 25 {
			t.Errorf("moved: %v", bodies)
		}
		for _, m := range all {
			var i int
			_, _ = fmt.Sscanf(m.Body, "body %d", &i)
			_, noted := m.Attributes["PollerRejected"]
			if tenant := m.Attributes["tenant"].StringValue; noted || (tenant == "7") != (i%3 == 0) || m.ReceiveCount != 1 {
				t.Errorf("%s has attributes %v and %d receives", m.Body, m.Attributes, m.ReceiveCount)
			}
		}
	})
}

func TestOnlyWhatMatchesIsMovedOfTenThousand(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 10_000)
		tenant, err := ParseFilter("attr:tenant=7")
		if err != nil {
			t.Fatal(err)
		}
		body, err := ParseFilter("body~[05]$")
		if err != nil {
			t.Fatal(err)
		}
		o := r.options()
		o.Match = All(tenant, body, Reason("422"), OlderThan(30*time.Second))
		o.Rate = 5 // so long that what is skipped has to be kept hidden
		got, err := Run(t.Context(), t.Context(), o)
		if want := 10_000/15 + 1; err != nil || got != (Result{Moved: want, Skipped: 10_000 - want}) {
			t.Errorf("%+v, %v", got, err)
		}
		if moved, _ := r.in(t, r.to); len(moved) != got.Moved {
			t.Errorf("%d are in the queue", len(moved))
		}
		_, left := r.in(t, r.from)
		if len(left) != got.Skipped {
			t.Errorf("%d are left", len(left))
		}
		for _, m := range left {
			if m.ReceiveCount != 2 {
				t.Fatalf("%s has %d receives: it was not kept hidden", m.Body, m.ReceiveCount)
			}
		}
	})
}

func TestTheRateIsKeptAndTheRampRisesToIt(t *testing.T) {
	environment(t)
	for name, test := range map[string]struct {
		rate    float64
		ramp    time.Duration
		longest time.Duration
	}{
		"10/s":                  {rate: 10, longest: 21 * time.Second},
		"90/m":                  {rate: 1.5, longest: 136 * time.Second},
		"100/s in batches":      {rate: 100, longest: 4 * time.Second},
		"10/s, reached in 20 s": {rate: 10, ramp: 20 * time.Second, longest: 32 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fill(t, 200)
				o := r.options()
				o.Rate, o.Ramp = test.rate, test.ramp
				begun := time.Now()
				if got, err := Run(t.Context(), t.Context(), o); err != nil || got.Moved != 200 {
					t.Fatalf("%+v, %v", got, err)
				}
				// What was received first and sent at once is a tenth of a second's.
				for i := range r.sent {
					for j := i; j < len(r.sent); j++ {
						window := r.sent[j].Sub(r.sent[i]).Seconds()
						if n := float64(j - i + 1); n > test.rate*window+max(test.rate/10, 1)+1e-6 {
							t.Fatalf("%g in %g s", n, window)
						}
					}
				}
				if test.ramp > 0 {
					early := 0
					for _, at := range r.sent {
						if at.Sub(begun) < test.ramp/4 {
							early++
						}
					}
					if most := test.rate * test.ramp.Seconds() / 16; float64(early) > most {
						t.Errorf("%d in the first quarter of the ramp, not %g", early, most)
					}
				}
				if took := r.sent[len(r.sent)-1].Sub(begun); took > test.longest {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestAGroupStaysInOrderAndWaitsBehindWhatCannotBeSent(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, ".fifo")
		r.fill(t, 60)
		o := r.options()
		o.To = refusing{r.to, "body 31"} // of group 1
		var noted []string
		o.Note = func(m *message.Message, err error) {
			if err != nil {
				noted = append(noted, m.Body)
			}
		}
		got, err := Run(t.Context(), t.Context(), o)
		if err != nil || got.Moved+got.Failed+got.Behind > 60 || got.Failed != 1 || got.Moved < 50 {
			t.Errorf("%+v, %v", got, err)
		}
		if len(noted) != 1 || noted[0] != "body 31" {
			t.Errorf("noted %v", noted)
		}
		next := []int{0, 1, 2}
		moved, _ := r.in(t, r.to)
		for _, body := range moved {
			var i int
			_, _ = fmt.Sscanf(body, "body %d", &i)
			if i != next[i%3] {
				t.Fatalf("%d came, not %d", i, next[i%3])
			}
			next[i%3] += 3
		}
		if next[1] != 31 || next[0] != 60 || next[2] != 62 {
			t.Errorf("moved up to %v", next)
		}
		if left, _ := r.in(t, r.from); len(left) != 10 || left[0] != "body 31" {
			t.Errorf("left: %v", left)
		}
	})
}

// refusing refuses to send one body.
type refusing struct {
	destination
	body string
}

func (r refusing) Send(ctx context.Context, drafts []queue.Draft) []error {
	if drafts[0].Body == r.body {
		return []error{&message.SQSError{Fault: message.Invalid, Err: errors.New("refused")}}
	}
	return r.destination.Send(ctx, drafts)
}

func TestWhatComesBackDuringTheRunIsLeft(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 30)
		o := r.options()
		o.Rate = 10
		o.Note = func(m *message.Message, _ error) { // it fails again at once
			r.from.Send(t.Context(), []queue.Draft{{Body: "again " + m.Body}})
		}
		got, err := Run(t.Context(), t.Context(), o)
		if err != nil || got.Moved != 30 || got.Newer == 0 || got.Left() != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		if left, _ := r.in(t, r.from); len(left) != 30 {
			t.Errorf("%d are left", len(left))
		}
	})
}

func TestADryRunMovesNothingAndMaxIsTheMost(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 50)
		o := r.options()
		o.DryRun, o.Rate = true, 0.001
		if got, err := Run(t.Context(), t.Context(), o); err != nil || got != (Result{Moved: 50}) {
			t.Errorf("a dry run: %+v, %v", got, err)
		}
		o.DryRun, o.Rate, o.Max = false, 0, 17
		if got, err := Run(t.Context(), t.Context(), o); err != nil || got != (Result{Moved: 17}) {
			t.Errorf("at most 17: %+v, %v", got, err)
		}
		if left, _ := r.in(t, r.from); len(left) != 33 {
			t.Errorf("%d are left", len(left))
		}
		if moved, _ := r.in(t, r.to); len(moved) != 17 {
			t.Errorf("%d are moved", len(moved))
		}
	})
}

func TestWithoutPermissionToDeleteItEndsAfterTheFirstBatch(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 50)
		r.denied = "DeleteMessageBatch"
		got, err := Run(t.Context(), t.Context(), r.options())
		if message.FaultOf(err) != message.Refused || got.Copied != 10 || got.Moved != 0 || got.Left() != 10 {
			t.Errorf("%+v, %v", got, err)
		}
		r.denied = "SendMessageBatch"
		if got, err = Run(t.Context(), t.Context(), r.options()); message.FaultOf(err) != message.Refused || got.Failed != 10 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
