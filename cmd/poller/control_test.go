package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
)

const controlToken = "0123456789abcdef0123"

// freeAddress returns an address that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// controlledDaemon runs poller with a control token in a file, and returns its settings'
// file and the one with the token.
func controlledDaemon(t *testing.T) (c *inProcess, file, token string) {
	t.Helper()
	w := newWorld(t)
	c = newCommand(t)
	dir := t.TempDir()
	token = filepath.Join(dir, "token")
	file = filepath.Join(dir, "poller.yaml")
	listen := freeAddress(t)
	for name, text := range map[string]string{
		token: controlToken + "\n",
		file:  "queue: orders\ntarget: " + w.target + "\nrate: 20/s\nlisten: " + listen + "\ncontrol_token: \"@" + token + "\"\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code := c.begin("run", "--config", file, "--drain-timeout", "6s")
	t.Cleanup(func() { c.now(); <-code })
	c.waitFor(t, "poller starts")
	return c, file, token
}

func TestPauseResumeAndPaceFindTheDaemonByItsOwnSettings(t *testing.T) {
	c, file, token := controlledDaemon(t)
	listen := regexp.MustCompile(`"listen":"([^"]+)"`).FindStringSubmatch(c.err.String())[1]
	for _, step := range []struct {
		variables map[string]string
		args      []string
		want      string
	}{
		{nil, []string{"pause", "--config", file, "--by", "ada"}, "target default: paused until resume; in force here: rate 0/s, burst 1, concurrency 10\n"},
		{map[string]string{"POLLER_CONFIG": file}, []string{"resume"}, "target default: pause lifted; in force here: rate 20/s, burst 1, concurrency 10\n"},
		{
			map[string]string{"POLLER_LISTEN": listen, "POLLER_CONTROL_TOKEN": controlToken},
			[]string{"pace", "--rate", "5/s", "--concurrency", "2"},
			"target default: rate 5/s until resume, concurrency 2 until resume; in force here: rate 5/s, burst 1, concurrency 2\n",
		},
		{
			map[string]string{"POLLER_CONTROL_TOKEN": "@" + token},
			[]string{"resume", "--listen", listen, "--target", "default"},
			"target default: rate override lifted, concurrency override lifted; in force here: rate 20/s, burst 1, concurrency 10\n",
		},
		{nil, []string{"pace", "--config", file, "--rate", "5/s"}, "target default: rate 5/s until resume; in force here: rate 5/s, burst 1, concurrency 10\n"},
		{nil, []string{"pace", "--config", file, "--reset"}, "target default: rate override lifted; in force here: rate 20/s, burst 1, concurrency 10\n"},
		{map[string]string{"POLLER_RATE": "1/s"}, []string{"resume", "--listen", listen, "--control-token", "@" + token}, "target default: nothing was overridden; in force here: rate 20/s, burst 1, concurrency 10\n"},
	} {
		t.Run(step.args[0], func(t *testing.T) {
			command := newCommand(t)
			for name, value := range step.variables {
				t.Setenv(name, value)
			}
			if code := commandOf(command, step.args); code != 0 || command.out.String() != step.want {
				t.Errorf("code %d\n got %s%swant %s", code, command.out, command.err, step.want)
			}
		})
	}
	c.waitFor(t, `"msg":"an operator changed the pace","action":"pause"`)
}

// commandOf runs a verb in the test's process.
func commandOf(c *inProcess, args []string) int { return command(c.process, args) }

func TestWhatTheControlCommandsRefuseSaysWhatToDo(t *testing.T) {
	c, file, _ := controlledDaemon(t)
	listen := regexp.MustCompile(`"listen":"([^"]+)"`).FindStringSubmatch(c.err.String())[1]
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("another-"+controlToken), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"pause --listen " + listen:                                    "no control token given: set --control-token @FILE or POLLER_CONTROL_TOKEN as for the daemon, or name its file with --config",
		"pause --control-token " + controlToken:                       "--control-token: it is a secret, and other users can read the command line: write @FILE, or set POLLER_CONTROL_TOKEN, or write it in a --config file",
		"pause --control-token @/nowhere":                             "--control-token: /nowhere cannot be read (no such file or directory)",
		"pause --listen " + listen + " --control-token @" + other:     "the daemon at " + listen + " has another control token: give the one that it was started with",
		"pause --config " + file + " --target shop":                   `there is no target "shop": use default`,
		"pace --config " + file:                                       "pace needs a rate, a concurrency or both, such as 10/s and 4",
		"pace --config " + file + " --rate 0":                         "--rate: 0 would pause: use poller pause, which says so on the page",
		"pace --config " + file + " --rate 5/s --concurrency 0":       "--concurrency: 0 is not between 1 and 10,000: use the number of concurrent deliveries, such as 4",
		"pace --config " + file + " --rate 5/s --for 0s":              "--for: 0s would end at once: use a duration such as 30m, or omit it to last until resume",
		"pause --config " + file + " --for 0s":                        "--for: 0s would end at once: use a duration such as 30m, or omit it to last until resume",
		"pause --config " + file + " --for 800h":                      "--for: 800h is longer than 720h: use a shorter duration, or omit it to last until resume",
		"pause --config " + file + " --by " + strings.Repeat("a", 65): "--by: use a name of at most 64 characters, on one line",
		"pause --config " + file + " --fleet":                         "--fleet: no coordinator shares the budget (--fleet-redis): omit it, and tell each replica",
		"resume --config " + file + " --fleet":                        "--fleet: no coordinator shares the budget (--fleet-redis): omit it, and tell each replica",
		"pace --config " + file + " --reset --rate 5/s":               "reset lifts the pace: omit rate and concurrency, or omit reset",
		"pause --listen 127.0.0.1:1 --control-token @" + other:        "127.0.0.1:1 cannot be reached (connect: connection refused): is the daemon running, and is this its --listen?",
		"pause --listen 9500":                                         "--listen: invalid address: use HOST:PORT or :PORT, such as :9500",
		"resume --for 5m":                                             "unknown flag --for: see poller resume --help",
	} {
		_, stderr, code := run(t, strings.Fields(args)...)
		if want = "poller: error: " + want + "\n"; stderr != want || code != 1 {
			t.Errorf("%s: code %d\n got %swant %s", args, code, stderr, want)
		}
	}
}

func TestADaemonWithoutAControlTokenSaysHowToGiveItOne(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	listen := freeAddress(t)
	code := c.begin("run", "--queue", "orders", "--target", w.target, "--listen", listen, "--drain-timeout", "6s")
	defer func() { c.now(); <-code }()
	c.waitFor(t, "poller starts")
	command := newCommand(t)
	t.Setenv("POLLER_CONTROL_TOKEN", controlToken)
	if code := commandOf(command, []string{"pause", "--listen", listen}); code != 1 ||
		!strings.Contains(command.err.String(), "has no control token, so its admin port is read-only: start it with --control-token") {
		t.Errorf("code %d\n%s", code, command.err)
	}
}

func TestHeldListsWhatTheDaemonHolds(t *testing.T) {
	_, file, _ := controlledDaemon(t)
	if stdout, stderr, code := run(t, "held", "--config", file); stdout != "Nothing is held.\n" || code != 0 {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	if stdout, _, _ := run(t, "held", "--config", file, "--json"); strings.TrimSpace(stdout) != "[]" {
		t.Errorf("as JSON: %s", stdout)
	}
}

func TestTheTableOfHeldMessagesSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 24, 12, 0, 0, 0, time.UTC)
	var list []admin.Held
	if err := json.Unmarshal([]byte(`[
		{"queue": "orders", "message_id": "m-1", "receive_count": 2, "tries": 7, "strikes": 1, "since": "2026-07-24T11:51:00Z",
		 "outcome": "unavailable", "status": 503, "reason": "5xx", "next_try": "2026-07-24T12:00:08Z"},
		{"queue": "orders", "message_id": "m-2", "receive_count": 1, "tries": 1, "strikes": 0, "since": "2026-07-24T11:59:59.5Z",
		 "outcome": "failed", "reason": "timeout", "next_try": null, "waits_for": "target", "next_probe": "2026-07-24T12:00:05Z"},
		{"queue": "orders", "message_id": "m-3", "receive_count": 1, "tries": 1, "strikes": 0, "since": "2026-07-24T11:59:59Z",
		 "outcome": "failed", "reason": "timeout", "next_try": null, "waits_for": "target", "next_probe": "2026-07-24T12:00:00Z"},
		{"queue": "orders", "message_id": "m-4", "receive_count": 1, "tries": 1, "strikes": 0, "since": "2026-07-24T11:59:59Z",
		 "outcome": "failed", "reason": "timeout", "next_try": null, "waits_for": "resume"},
		{"queue": "orders", "message_id": "m-5", "receive_count": 1, "tries": 1, "strikes": 1, "since": "2026-07-24T11:59:59Z",
		 "outcome": "failed", "reason": "timeout", "next_try": null, "waits_for": "release"}]`), &list); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printHeld(&out, now, list, 8); err != nil {
		t.Fatal(err)
	}
	want := "MESSAGE  QUEUE   RECEIVE  TRIES  HELD FOR  LAST ANSWER       STRIKES  NEXT TRY\n" +
		"m-1      orders  2        7      9 min     unavailable, 503  1        in 8 s\n" +
		"m-2      orders  1        1      1 s       failed, timeout   0        after the probe at 12:00:05 UTC\n" +
		"m-3      orders  1        1      1 s       failed, timeout   0        after the probe under way\n" +
		"m-4      orders  1        1      1 s       failed, timeout   0        when resumed\n" +
		"m-5      orders  1        1      1 s       failed, timeout   1        none: given up, released soon\n" +
		"3 more are held.\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
