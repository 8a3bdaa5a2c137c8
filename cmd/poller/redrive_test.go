package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

// deadLetters is an SQS server with orders, its dead-letter queue dead, and messages in it.
func deadLetters(t *testing.T, drafts ...queue.Draft) {
	t.Helper()
	s := localsqs.New()
	t.Cleanup(s.Close)
	for _, q := range []struct {
		name       string
		attributes map[string]string
	}{
		{"dead", nil},
		{"orders", map[string]string{"RedrivePolicy": redrivePolicy("dead", 3)}},
		{"other", nil},
		{"other.fifo", map[string]string{"FifoQueue": "true"}},
	} {
		if _, err := s.CreateQueue(q.name, q.attributes); err != nil {
			t.Fatal(err)
		}
	}
	emulate(t, s)
	client, err := queue.NewClient(t.Context(), queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	q, err := client.Open(t.Context(), "dead")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range q.Send(t.Context(), drafts) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

var rejected = map[string]message.Attribute{
	"tenant":         {DataType: "String", StringValue: "7"},
	"PollerRejected": {DataType: "String", StringValue: "status=422 reason=4xx message_id=m sent_at=then"},
}

func TestRedriveHasSQSMoveEverything(t *testing.T) {
	deadLetters(t, queue.Draft{Body: "a"}, queue.Draft{Body: "b"})
	stdout, stderr, code := run(t, "redrive", "--from", "dead", "--rate", "400/s")
	want := "  from  dead: 2 visible, 0 in flight, 0 delayed\n  to    orders\n  how   by SQS itself (StartMessageMoveTask)\n  rate  400/s\n" +
		"2 messages moved; about 0 are left in dead\n"
	if stdout != want || stderr != "" || code != 0 {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	if bodies, _ := received(t, "orders"); len(bodies) != 2 {
		t.Errorf("in orders: %v", bodies)
	}
}

func TestRedriveMovesWhatMatches(t *testing.T) {
	deadLetters(t, queue.Draft{Body: "a"}, queue.Draft{Body: "b", Attributes: rejected}, queue.Draft{Body: "c", Attributes: rejected})
	args := []string{"redrive", "--from", "dead", "--reason", "422", "--filter", "body~^b", "--older-than", "0s"}
	stdout, stderr, code := run(t, append(args, "--dry-run")...)
	for _, want := range []string{
		"how   dry run: nothing is moved, and each message is received once\n", "only  body~^b, rejected with 422\n",
		"  would move ", "1 message would be moved to orders\n2 did not match, and are left\n",
	} {
		if !strings.Contains(stdout, want) || code != 0 {
			t.Errorf("code %d, no %q in\n%s%s", code, want, stdout, stderr)
		}
	}
	stdout, stderr, code = run(t, args...)
	if !strings.HasSuffix(stdout, "1 message moved to orders\n2 did not match, and are left\n") || code != 0 {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	if bodies, _ := received(t, "orders"); len(bodies) != 1 || bodies[0] != "b tenant:String=7" {
		t.Errorf("in orders: %v", bodies)
	}
	if stdout, _, code = run(t, "redrive", "--from", "dead", "--to", "other", "--max", "1"); !strings.HasSuffix(stdout, "1 message moved to other\n") || code != 0 {
		t.Errorf("code %d\n%s", code, stdout)
	}
}

func TestRedriveToldToStopSaysWhatIsLeft(t *testing.T) {
	deadLetters(t, queue.Draft{Body: "a"}, queue.Draft{Body: "b"})
	for args, want := range map[string]string{
		"--rate 1/s":          "poller: error: cancelled before everything was moved\n",
		"--rate 1/m --max 10": "poller: error: stopped before everything was moved\n",
	} {
		c := newCommand(t)
		code := c.begin(append([]string{"redrive", "--from", "dead"}, strings.Fields(args)...)...)
		c.waitForOut(t, "rate")
		c.drain()
		if got := <-code; got == 0 || got == 1 && !strings.Contains(c.err.String(), "canceled") {
			t.Errorf("%s: code %d, want %s\n%s%s", args, got, want, c.out, c.err)
		}
	}
}

func TestWhatRedriveRefusesSaysWhatToWrite(t *testing.T) {
	deadLetters(t)
	for args, want := range map[string]string{
		"--from dead --rate 0":         "--rate 0: nothing would ever be moved; use a rate such as 10/s, or omit it",
		"--from dead --ramp 1m":        "--ramp: it is the time in which --rate is reached: give both, such as --rate 10/s --ramp 1m",
		"--from dead --max -1":         "--max needs a value: use --max=VALUE",
		"--from dead --max=-1":         "--max -1: use the number of messages, or omit it for all",
		"--from dead --filter a=b":     "--filter: invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
		"--from dead --to dead":        "--to: it is the same queue as --from: give another one",
		"--from dead --to other.fifo":  "--to: dead and other.fifo are not of one type: a FIFO queue's messages go to a FIFO queue",
		"--from dead --reason teapot":  `--reason "teapot": poller sends no message to a dead-letter queue because of that: use 4xx, or a status that rejects a message, such as 422`,
		"--from dead --reason=":        "--reason: empty value: use 4xx, or a status that rejects a message, such as 422, or omit it",
		"--from dead --reason 4x":      `--reason "4x": poller sends no message`,
		"--from dead --reason timeout": `--reason "timeout": poller sends no message`,
		"--from dead --reason 503":     `--reason "503": poller sends no message`,
		"--from orders":                "--from: orders is not the dead-letter queue of any queue: name the queue to move to with --to",
		"--from nowhere":               "--from: ",
		"--from dead --older-than=-1s": "--older-than -1s: use a duration such as 2h",
	} {
		_, stderr, code := run(t, append([]string{"redrive"}, strings.Fields(args)...)...)
		if !strings.HasPrefix(stderr, "poller: error: "+want) || strings.Count(stderr, "\n") != 1 || code != 1 {
			t.Errorf("%s: code %d\n got %swant %s", args, code, stderr, want)
		}
	}
}

func TestPeekShowsWhatIsThereAndPutsItBack(t *testing.T) {
	deadLetters(t, queue.Draft{Body: "a\u009b2Jb", Attributes: rejected})
	stdout, stderr, code := run(t, "peek", "--queue", "dead", "--body")
	lines := strings.Split(stdout, "\n")
	if code != 0 || len(lines) != 4 || strings.Join(strings.Fields(lines[0]), " ") != "MESSAGE AGE RECEIVES GROUP BYTES REASON ATTRIBUTES" ||
		!strings.Contains(strings.Join(strings.Fields(lines[1]), " "), " 1 - ") || !strings.HasSuffix(lines[1], " 422     PollerRejected, tenant") || lines[2] != "    a�2Jb" {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	if stderr != "poller: note: each message shown has one receive more\n" {
		t.Errorf("it says %s", stderr)
	}
	stdout, _, _ = run(t, "peek", "--queue", "dead", "--json")
	var list []map[string]any
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list) != 1 || list[0]["reason"] != "422" || list[0]["receive_count"] != 2.0 || list[0]["body"] != nil {
		t.Errorf("%v\n%s", err, stdout)
	}
	if stdout, stderr, _ := run(t, "peek", "--queue", "orders"); stdout != "orders has no visible message.\n" || stderr != "" {
		t.Errorf("%s%s", stdout, stderr)
	}
	run(t, "send", "--queue", "orders", "x")
	if _, stderr, _ := run(t, "peek", "--queue", "orders"); !strings.Contains(stderr, "with maxReceiveCount 3 the queue moves one that has too many to dead") {
		t.Error(stderr)
	}
	if _, stderr, code := run(t, "peek", "--queue", "dead", "--max", "1001"); code != 1 || stderr != "poller: error: --max 1001: use 1 to 1,000\n" {
		t.Errorf("code %d: %s", code, stderr)
	}
}
