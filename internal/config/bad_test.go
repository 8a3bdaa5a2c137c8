package config

import (
	"slices"
	"strings"
	"testing"
)

// ok is a file that lacks nothing, for cases that add one line to it.
const ok = `queues:
- queue: orders
targets:
  orders:
    url: http://localhost:8080/
`

// enough is the flags without which nothing loads.
const enough = "--queue orders --target http://localhost/ "

// badInput is an input, and the sentence that says what is wrong with it.
type badInput struct {
	name string
	in   input
	want string
}

// badStart lacks a queue or a target, or gets a setting of a queue or of the worker wrong.
var badStart = []badInput{
	{
		"nothing",
		input{},
		"no queue given: set --queue or POLLER_QUEUE to its URL, ARN or name, or name a file with --config",
	},
	{
		"no queue",
		input{args: "--target http://localhost/"},
		"no queue given: set --queue or POLLER_QUEUE to its URL, ARN or name, or name a file with --config",
	},
	{
		"no target",
		input{args: "--queue orders"},
		"no target given: set --target or POLLER_TARGET to the URL to deliver to, or name a file with --config",
	},
	{
		"a queue's setting without the queue",
		input{args: "--gather 1s --target http://localhost/"},
		"--queue is missing: set --queue or POLLER_QUEUE to its URL, ARN or name",
	},
	{
		"a target's setting without the target",
		input{args: "--queue orders --rate 1/s"},
		"--target is missing: set --target or POLLER_TARGET to the URL to deliver to",
	},
	{
		"an empty queue",
		input{args: "--queue= --target http://localhost/"},
		"--queue is missing: set --queue or POLLER_QUEUE to its URL, ARN or name",
	},
	{
		"a queue with spaces",
		input{args: "--queue my_orders --target http://localhost/"},
		"--queue: contains white space: use the queue's URL, ARN or name",
	},
	{
		"a dashboard that is no URL",
		input{args: enough + "--dashboard javascript:alert(1)"},
		"--dashboard: invalid URL: use http(s)://…, without a user name",
	},
	{
		"a control token on the command line",
		input{args: enough + "--control-token 0123456789abcdef"},
		"--control-token: it is a secret, and other users can read the command line: write @FILE, or set POLLER_CONTROL_TOKEN, or write it in a --config file",
	},
	{
		"a control token that is short",
		input{args: enough, env: []string{"POLLER_CONTROL_TOKEN=secret"}},
		"POLLER_CONTROL_TOKEN: the token is shorter than 16 characters: make one, for example with openssl rand -hex 32",
	},
	{
		"a control token that no header carries",
		input{file: ok + "control_token: 0123456789 abcdef\n"},
		"control_token at line 6 of poller.yaml: the token has spaces or characters that an HTTP header cannot carry: make one, for example with openssl rand -hex 32",
	},
	{
		"a control token's file without a name",
		input{args: enough + "--control-token @"},
		"--control-token: no file name after the @: use @FILE",
	},
	{
		"an unknown flag",
		input{args: enough + "--rat 28/s"},
		`unknown flag --rat, did you mean "--rate"?`,
	},
	{
		"a visibility timeout of 0",
		input{args: enough + "--visibility-timeout 0s"},
		"--visibility-timeout: 0s is not a whole number of seconds from 1s to 12h: use 60s, for example, or omit it for the queue's own",
	},
	{
		"a visibility timeout of half a second",
		input{args: enough + "--visibility-timeout 1500ms"},
		"--visibility-timeout: 1.5s is not a whole number of seconds from 1s to 12h: use 60s, for example, or omit it for the queue's own",
	},
	{
		"a visibility timeout of a day",
		input{file: strings.Replace(ok, "targets:", "  visibility_timeout: 24h\ntargets:", 1)},
		"queues[0].visibility_timeout at line 3 of poller.yaml: 24h is not a whole number of seconds from 1s to 12h: use 60s, for example, or omit it for the queue's own",
	},
	{
		"a wait time that SQS does not allow",
		input{args: enough + "--wait-time 21s"},
		"--wait-time: 21s is not a whole number of seconds from 1s to 20s: use 20s, or less than what a proxy in between allows",
	},
	{
		"a wait time of parts of a second",
		input{args: enough + "--wait-time 1500ms"},
		"--wait-time: 1.5s is not a whole number of seconds from 1s to 20s: use 20s, or less than what a proxy in between allows",
	},
	{
		"gather below 0",
		input{args: enough + "--gather=-1ms"},
		"--gather: -1ms is not between 0s and 1m: use a value such as 20ms",
	},
	{
		"drain timeout 0",
		input{args: enough + "--drain-timeout 0s"},
		"--drain-timeout: 0s is not between 1s and 12h: use less than the platform's grace period, such as 25s",
	},
	{
		"drain timeout of a day",
		input{file: ok + "drain_timeout: 24h\n"},
		"drain_timeout at line 6 of poller.yaml: 24h is not between 1s and 12h: use less than the platform's grace period, such as 25s",
	},
	{
		"listen that is a port alone",
		input{args: enough + "--listen 9500"},
		"--listen: invalid address: use HOST:PORT or :PORT, such as :9500",
	},
	{
		"a log level that is none",
		input{args: enough + "--log-level verbose"},
		`--log-level: invalid log level "verbose": use debug, info, warn or error`,
	},
	{
		"a log format that is none",
		input{file: ok + "log:\n  format: xml\n"},
		`log.format at line 7 of poller.yaml: invalid log format "xml": use auto, text or json`,
	},
	{
		"a fifo_strict that is no boolean",
		input{env: []string{"POLLER_QUEUE=orders", "POLLER_TARGET=http://localhost/", "POLLER_FIFO_STRICT=maybe"}},
		`POLLER_FIFO_STRICT: invalid value "maybe": use true or false`,
	},
	{
		"weight 0",
		input{args: enough + "--weight=0"},
		"--weight: 0 is not between 1 and 1,000: use this queue's share of the pace relative to the others, such as 1",
	},
}

func TestBadInputGetsOneSentence(t *testing.T) {
	for _, test := range slices.Concat(badStart, badPace, badTarget, badFleet, badFile) {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := load(t, test.in)
			if err == nil {
				t.Fatal("it was taken")
			}
			if got := err.Error(); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}
