package app

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

// withDeadLetters gives the queue a dead-letter queue for what is received twice.
func (d *daemon) withDeadLetters(t *testing.T) {
	t.Helper()
	if _, err := d.sqs.server.CreateQueue("dead", nil); err != nil {
		t.Fatal(err)
	}
	d.call(t, "SetQueueAttributes", `{"QueueUrl":"http://127.0.0.1:9324/000000000000/orders","Attributes":{"RedrivePolicy":`+
		`"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":1}"}}`)
}

func TestAPauseOfTwoHoursCostsNoMessageAReceive(t *testing.T) {
	environment(t)
	for name, sent := range map[string]int{"the poll is parked": 0, "a backlog is being delivered": 300} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := prepare(t, "orders", controllable(), nil)
				d.withDeadLetters(t) // with maxReceiveCount 1: a second receive would be one too many
				d.latency = 2 * time.Second
				d.send(t, sent)
				d.run(t)
				pass(5 * time.Second)
				d.mustPost(t, "pause", `{"by": "ada"}`)
				d.send(t, 7) // for the parked poll
				pass(time.Minute)
				started := d.taken.Load()
				pass(2 * time.Hour)
				if more := d.taken.Load() - started; more != 0 {
					t.Errorf("%d deliveries were started during the pause", more)
				}
				s := d.Status(time.Now())
				if got := s.Queues[0].InHand["waiting"]; got == 0 {
					t.Error("nothing is in hand: the test shows nothing")
				}
				if verdict := d.verdict(t); !strings.Contains(verdict, "Paused by ada since ") {
					t.Errorf("the verdict says %q", verdict)
				}
				d.mustPost(t, "resume", "{}")
				pass(10 * time.Minute)
				if got, want := d.taken.Load(), int64(sent+7); got != want {
					t.Errorf("%d delivered, not %d", got, want)
				}
				d.stop()
				if err := <-d.ended; err != nil {
					t.Fatal(err)
				}
				if d.sum.Delivered != int64(sent+7) || d.sum.Abandoned+d.sum.Released+d.sum.Failed != 0 {
					t.Errorf("summary %+v", d.sum)
				}
			})
		})
	}
}

// verdict is the page's.
func (d *daemon) verdict(t *testing.T) string {
	t.Helper()
	_, page := d.get(t, "/status.json")
	_, after, _ := strings.Cut(page, `"text": "`)
	text, _, _ := strings.Cut(after, `"`)
	return text
}

func TestAPauseInAnOutageProbesNothingAndLosesNothing(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := prepare(t, "orders", controllable(), nil)
		d.withDeadLetters(t)
		d.answer.Store(http.StatusServiceUnavailable)
		d.latency = 3 * time.Second // so that a probe may end in the pause
		d.send(t, 20)
		d.run(t)
		pass(20 * time.Minute) // until all that was received before the gate closed was tried
		if s := d.Status(time.Now()); s.Targets[0].Gate.State != "closed" || len(s.Held) == 0 || s.Held[0].Status != 503 {
			t.Fatalf("the gate is %s, %+v held", s.Targets[0].Gate.State, s.Held)
		}
		d.mustPost(t, "pause", `{"for": "30m"}`)
		pass(30 * time.Second) // what was under way has ended
		tried, received := d.taken.Load(), d.Status(time.Now()).Queues[0].Received
		d.send(t, 5)
		pass(29 * time.Minute)
		if more := d.Status(time.Now()).Queues[0].Received - received; more != 0 {
			t.Errorf("%d messages were received during the pause, to probe with", more)
		}
		if more := d.taken.Load() - tried; more != 0 {
			t.Errorf("%d probes were sent during the pause", more)
		}
		d.answer.Store(http.StatusNoContent)
		pass(2 * time.Minute) // the pause is over by itself
		d.stop()
		<-d.ended
		if d.sum.Delivered != 25 || d.sum.Abandoned+d.sum.Failed != 0 {
			t.Errorf("summary %+v", d.sum)
		}
	})
}

func TestAnOverrideGoesBeforeTheSettingsUntilItIsLiftedOrOver(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", controllable(), nil)
		pass(time.Second)
		limits := func() string { return inWords(d.targets["default"].pace.Limits()) }
		reload := func(rate float64) {
			c := settingsWith(func(t *config.Target) { t.Rate = config.Rate{Limited: true, PerSecond: rate} })
			c.ControlToken = testToken
			d.Reload(c)
		}
		for _, step := range []struct {
			do   func()
			want string
		}{
			{func() {}, "rate 10/s, burst 1, concurrency 10"},
			{func() { d.mustPost(t, "pace", `{"rate": "300/s", "concurrency": 4, "for": "30m"}`) }, "rate 300/s, burst 3, concurrency 4"},
			{func() { reload(20) }, "rate 300/s, burst 3, concurrency 4"},
			{func() { d.mustPost(t, "pause", `{"for": "5m"}`) }, "rate 0/s, burst 3, concurrency 4"},
			{func() { reload(30) }, "rate 0/s, burst 3, concurrency 4"},
			{func() { pass(5 * time.Minute) }, "rate 300/s, burst 3, concurrency 4"},
			{func() { pass(25 * time.Minute) }, "rate 30/s, burst 1, concurrency 10"},
			{func() { d.mustPost(t, "pace", `{"rate": "none"}`) }, "no rate, concurrency 10"},
			{func() { d.mustPost(t, "pace", `{"concurrency": 2}`) }, "no rate, concurrency 2"},
			{func() { d.mustPost(t, "resume", `{"target": "default"}`) }, "rate 30/s, burst 1, concurrency 10"},
		} {
			step.do()
			synctest.Wait()
			if got := limits(); got != step.want {
				t.Errorf("in force: %s, not %s", got, step.want)
			}
		}
		d.stop()
		<-d.ended
	})
}

func TestAnOverrideIsALogLineAnEventAndAMetric(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", controllable(), nil)
		pass(time.Second)
		said := d.mustPost(t, "pace", `{"rate": "5/s", "for": "30m", "by": "ada"}`)
		if want := "target default: rate 5/s until 00:30:01 UTC; in force here: rate 5/s, burst 1, concurrency 10"; !strings.Contains(said, want) {
			t.Errorf("the answer is %s, not %s", said, want)
		}
		if log := d.logs.String(); !strings.Contains(log, `msg="an operator changed the pace" action=pace changed="target default: rate 5/s until 00:30:01 UTC; `) ||
			!strings.Contains(log, "for=30m0s by=ada from=") {
			t.Errorf("the log says\n%s", log)
		}
		metric := func(value string) {
			t.Helper()
			if _, metrics := d.get(t, "/metrics"); !strings.Contains(metrics, `poller_override{kind="rate",target="default"} `+value+"\n") ||
				!strings.Contains(metrics, `poller_override{kind="pause",target="default"} 0`) {
				t.Errorf("poller_override is not %s", value)
			}
		}
		metric("1")
		s := d.Status(time.Now())
		if o := s.Targets[0].Overrides; len(o) != 1 || o[0].Kind != "rate" || o[0].Value != "5/s" || o[0].By != "ada" || o[0].Until == nil {
			t.Errorf("overrides %+v", o)
		}
		if e := s.Events; len(e) != 2 || e[0].Kind != "override" || !strings.Contains(e[0].Text, "rate 5/s until 00:30:01 UTC by ada from ") || e[1].Kind != "start" {
			t.Errorf("events %+v", e)
		}
		pass(30 * time.Minute)
		metric("0")
		if s := d.Status(time.Now()); len(s.Targets[0].Overrides) != 0 || s.Events[0].Text != "rate is over" {
			t.Errorf("overrides %+v, events %+v", s.Targets[0].Overrides, s.Events)
		}
		if log := d.logs.String(); !strings.Contains(log, `msg="an operator's override is over" target=default kind=rate after=30m0s by=ada`) {
			t.Errorf("the log says\n%s", log)
		}
		d.stop()
		<-d.ended
	})
}

func TestAPaceOfAPausedTargetSaysThatItIsStillPaused(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", controllable(), nil)
		pass(time.Second)
		until := time.Now().Add(5 * time.Minute).UTC().Format(time.TimeOnly)
		for _, step := range []struct{ action, body, ends string }{
			{"pace", `{"rate": "5/s"}`, "in force here: rate 5/s, burst 1, concurrency 10"},
			{"pause", `{}`, "in force here: rate 0/s, burst 1, concurrency 10"},
			{"pace", `{"rate": "6/s"}`, "rate 0/s, burst 1, concurrency 10; still paused until resume, which lifts this, too: resume first, then set the pace"},
			{"pace", `{"reset": true}`, "rate 0/s, burst 1, concurrency 10; still paused until resume"},
			{"pause", `{"for": "5m"}`, "in force here: rate 0/s, burst 1, concurrency 10"},
			{"pace", `{"rate": "7/s"}`, "rate 0/s, burst 1, concurrency 10; still paused until " + until + " UTC, and this applies after that"},
			{"pace", `{"rate": "8/s", "for": "5m"}`, "still paused until " + until + " UTC, and by then this is over: give it a longer --for"},
			{"pace", `{"rate": "8/s", "for": "6m"}`, "still paused until " + until + " UTC, and this applies after that"},
			{"resume", `{}`, "in force here: rate 10/s, burst 1, concurrency 10"},
		} {
			if said := d.mustPost(t, step.action, step.body); !strings.HasSuffix(strings.TrimSpace(said), step.ends+`"]}`) {
				t.Errorf("%s %s:\n got %swant … %s", step.action, step.body, said, step.ends)
			}
		}
		d.stop()
		<-d.ended
	})
}

func TestAPauseInADrainReleasesWhatHasNotStarted(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", controllable(), nil)
		d.latency = 5 * time.Second
		d.send(t, 30)
		pass(2 * time.Second)
		d.stop()
		pass(100 * time.Millisecond)
		d.mustPost(t, "pause", "{}")
		if err := <-d.ended; err != nil {
			t.Fatal(err)
		}
		if d.sum.Delivered != d.taken.Load() || d.sum.Abandoned+d.sum.CutOff != 0 {
			t.Errorf("summary %+v of %d tried", d.sum, d.taken.Load())
		}
	})
}

func TestReplicasOfAFleetShareTheRateThatAnOperatorHasSet(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		dial := coordinator(t)
		var all []*daemon
		for range 3 {
			c := inFleet(20)
			c.ControlToken = testToken
			d := prepareIn(t, dial, "orders", c, nil)
			d.send(t, 2000)
			d.run(t)
			all = append(all, d)
		}
		in20s := func(of ...*daemon) (n int64) {
			pass(10 * time.Second)
			for _, d := range of {
				n -= d.taken.Load()
			}
			pass(20 * time.Second)
			for _, d := range of {
				n += d.taken.Load()
			}
			return n
		}
		pass(10 * time.Second)
		for _, d := range all {
			d.mustPost(t, "pace", `{"rate": "10/s"}`)
		}
		if n := in20s(all...); n < 190 || n > 204 {
			t.Errorf("at 10/s all three have delivered %d in 20 s", n)
		}
		all[0].mustPost(t, "pause", "{}")
		if n := in20s(all[0]); n != 0 {
			t.Errorf("the one that is paused has delivered %d", n)
		}
		if n := in20s(all[1:]...); n < 190 || n > 204 {
			t.Errorf("the other two have delivered %d in 20 s at 10/s", n)
		}
		if code, text := all[1].post(t, "pace", `{"rate": "30/h"}`); code != 400 || !strings.Contains(text, "less than the 1/m that the fleet's coordinator can share") {
			t.Errorf("%d %s", code, text)
		}
		for _, d := range all {
			d.mustPost(t, "resume", "{}")
		}
		if n := in20s(all...); n < 390 || n > 404 {
			t.Errorf("at 20/s again all three have delivered %d in 20 s", n)
		}
		for _, d := range all {
			d.stop()
			<-d.ended
		}
	})
}
