package config

import (
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

func TestBadInputGetsOneSentence(t *testing.T) {
	for _, test := range []struct {
		name string
		in   input
		want string
	}{
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
			"a target that is no URL",
			input{args: "--queue orders --target localhost:8080"},
			"--target: the URL does not begin with http:// or https://",
		},
		{
			"a target that is no URL, in a variable",
			input{args: "--queue orders", env: []string{"POLLER_TARGET=localhost:8080"}},
			"POLLER_TARGET: the URL does not begin with http:// or https://",
		},
		{
			"a rate that is none",
			input{args: enough + "--rate 28/x"},
			`--rate: invalid rate "28/x": use 28/s, 1000/m or 50000/h`,
		},
		{
			"a rate below 0",
			input{args: enough + "--rate=-1/s"},
			`--rate: invalid rate "-1/s": use 28/s, 1000/m or 50000/h`,
		},
		{
			"a rate that is no number",
			input{args: enough + "--rate NaN"},
			`--rate: invalid rate "NaN": use 28/s, 1000/m or 50000/h`,
		},
		{
			"a rate that is too high",
			input{args: enough + "--rate 2000000"},
			`--rate: rate "2000000" is over 1,000,000 per second: use a lower rate, or none for no limit`,
		},
		{
			"a rate in words",
			input{args: enough + "--rate 28_per_second"},
			`--rate: invalid rate: use 28/s, 1000/m or 50000/h`,
		},
		{
			"a rate in a variable",
			input{args: enough, env: []string{"POLLER_RATE=28/x"}},
			`POLLER_RATE: invalid rate "28/x": use 28/s, 1000/m or 50000/h`,
		},
		{
			"a rate in the file",
			input{file: ok + "    rate: 28/x\n"},
			`targets.orders.rate at line 6 of poller.yaml: invalid rate "28/x": use 28/s, 1000/m or 50000/h`,
		},
		{
			"concurrency 0",
			input{args: enough + "--concurrency 0"},
			"--concurrency: 0 is not between 1 and 10,000: use the number of concurrent deliveries, such as 10",
		},
		{
			"concurrency 10,001",
			input{args: enough, env: []string{"POLLER_CONCURRENCY=10001"}},
			"POLLER_CONCURRENCY: 10001 is not between 1 and 10,000: use the number of concurrent deliveries, such as 10",
		},
		{
			"concurrency in words",
			input{args: enough, env: []string{"POLLER_CONCURRENCY=ten"}},
			`POLLER_CONCURRENCY: invalid number "ten": use a whole number, such as 10`,
		},
		{
			"a batch of 0",
			input{args: enough + "--format lambda --batch 0"},
			"--batch: 0 is not between 1 and 100: use how many messages a request carries, such as 10",
		},
		{
			"a batch of one message each",
			input{args: enough + "--batch 10"},
			"--batch: format raw sends one message a request: set --format to lambda or cloudevents, or omit it",
		},
		{
			"a wait that is too long",
			input{args: enough + "--format lambda --batch-wait 6s"},
			"--batch-wait: 6s is not between 0s and 5s: use a value such as 200ms",
		},
		{
			"a wait for nothing",
			input{args: enough + "--format cloudevents --batch-wait 1s"},
			"--batch-wait: there is nothing to wait for while a request carries one message: set --batch too, or omit it",
		},
		{
			"burst 0",
			input{args: enough + "--rate 1/s --burst 0"},
			"--burst: 0 is not between 1 and 1,000,000: use how many deliveries may start together after a pause, such as 1",
		},
		{
			"a burst without a rate",
			input{args: enough + "--burst 5"},
			"--burst: a burst needs a rate: set --rate too, or omit it",
		},
		{
			"a burst without a rate, in the file",
			input{file: ok + "    burst: 5\n"},
			"targets.orders.burst at line 6 of poller.yaml: a burst needs a rate: set targets.orders.rate too, or omit it",
		},
		{
			"a burst in a variable without the rate of the file",
			input{file: ok, env: []string{"POLLER_BURST=5"}},
			"POLLER_BURST: a burst needs a rate: set targets.orders.rate too, or omit it",
		},
		{
			"a quota of an unknown unit",
			input{args: enough + "--quota 1000/x"},
			`--quota: invalid quota "1000/x": use a whole number and a unit, such as 1000/m or 50000/d (s, m, h or d)`,
		},
		{
			"a quota without a unit",
			input{env: []string{"POLLER_QUOTA=1000"}, args: enough},
			`POLLER_QUOTA: invalid quota "1000": use a whole number and a unit, such as 1000/m or 50000/d (s, m, h or d)`,
		},
		{
			"a quota of a half",
			input{file: ok + "    quotas: [100/s, 0.5/m]\n"},
			`targets.orders.quotas at line 6 of poller.yaml: invalid quota "0.5/m": use a whole number and a unit, such as 1000/m or 50000/d (s, m, h or d)`,
		},
		{
			"a quota of 0",
			input{args: enough + "--quota 0/m"},
			`--quota: quota "0/m" is not between 1 and 1,000,000: use a rate of 0 to pause, or omit the quota for no limit`,
		},
		{
			"a quota too great to be remembered",
			input{args: enough + "--quota 1000001/d"},
			`--quota: quota "1000001/d" is not between 1 and 1,000,000: use a rate of 0 to pause, or omit the quota for no limit`,
		},
		{
			"five quotas",
			input{args: enough + "--quota 1/s --quota 2/m --quota 3/h --quota 4/d --quota 5/d"},
			"--quota: 5 quotas: a target has at most 4: keep those that are reached",
		},
		{
			"two quotas of one window",
			input{file: ok + "    quotas:\n    - 100/m\n    - 1000/m\n"},
			"targets.orders.quotas at line 8 of poller.yaml: 1000/m is a second quota with the window 1m: keep the lower one",
		},
		{
			"a quota below the burst",
			input{args: enough + "--rate 1000/s --burst 50 --quota 20/s"},
			"--quota: 20/s is less than the burst of 50, which may start together: use 50 or more, or lower --burst",
		},
		{
			"more replicas than a quota",
			input{args: enough + "--quota 3/d --fleet-replicas 4"},
			"--quota: 3/d is less than one for each of the 4 replicas in --fleet-replicas: run fewer replicas",
		},
		{
			"a timeout without a unit",
			input{args: enough + "--timeout 5"},
			"--timeout: duration 5 has no unit: use 5s for seconds",
		},
		{
			"a timeout without a unit, in the file",
			input{file: ok + "    timeout: 5\n"},
			"targets.orders.timeout at line 6 of poller.yaml: duration 5 has no unit: use 5s for seconds",
		},
		{
			"a timeout in days",
			input{args: enough + "--timeout 1d"},
			`--timeout: invalid duration "1d": use a number with a unit, such as 500ms, 30s or 5m`,
		},
		{
			"timeout 0",
			input{args: enough + "--timeout 0s"},
			"--timeout: 0s is not above 0s and at most 12h: use how long one delivery may take, such as 30s",
		},
		{
			"a timeout below 0",
			input{args: enough + "--timeout=-5s"},
			"--timeout: -5s is not above 0s and at most 12h: use how long one delivery may take, such as 30s",
		},
		{
			"a format of another kind",
			input{args: enough + "--format xml"},
			`--format: invalid format "xml": use raw, sqsd, lambda or cloudevents`,
		},
		{
			"OAuth2 without a client",
			input{args: enough + "--oauth2-token-url http://idp/"},
			"--oauth2-token-url: OAuth2 needs more: set --oauth2-client-id too",
		},
		{
			"a scope without OAuth2",
			input{args: enough + "--oauth2-scopes a"},
			"--oauth2-scopes: OAuth2 needs more: set --oauth2-token-url too",
		},
		{
			"a token endpoint that is no URL",
			input{args: enough + "--oauth2-token-url idp --oauth2-client-id c --oauth2-client-secret @f"},
			"--oauth2-token-url: the URL does not begin with http:// or https://",
		},
		{
			"another style",
			input{args: enough + "--oauth2-token-url http://idp/ --oauth2-client-id c --oauth2-client-secret @f --oauth2-style jwt"},
			`--oauth2-style: invalid style "jwt": use basic or form`,
		},
		{
			"a service that is not signed for",
			input{args: enough + "--sign-aws s3"},
			`--sign-aws: invalid service "s3": use execute-api, lambda or vpc-lattice-svcs`,
		},
		{
			"a region of nothing",
			input{args: enough + "--sign-aws-region r"},
			"--sign-aws-region: nothing is signed: set --sign-aws too, or omit it",
		},
		{
			"three secrets",
			input{args: enough + "--webhook-secret @a --webhook-secret @b --webhook-secret @c"},
			"--webhook-secret: more than two secrets: keep the old and the new one",
		},
		{
			"a client's secret on the command line",
			input{args: enough + "--oauth2-client-secret hunter2"},
			"--oauth2-client-secret: it is a secret, and other users can read the command line: write @FILE, or set POLLER_OAUTH2_CLIENT_SECRET, or write it in a --config file",
		},
		{
			"a webhook's secret on the command line",
			input{args: enough + "--webhook-secret whsec_hunter2"},
			"--webhook-secret: it is a secret, and other users can read the command line: write @FILE, or set POLLER_WEBHOOK_SECRET, or write it in a --config file",
		},
		{
			"a webhook's secret that is none",
			input{args: enough, env: []string{"POLLER_WEBHOOK_SECRET=hunter2"}},
			"POLLER_WEBHOOK_SECRET: the secret does not begin with whsec_",
		},
		{
			"an envelope of another kind",
			input{args: enough + "--unwrap eventbridge"},
			`--unwrap: invalid envelope "eventbridge": use sns, or none`,
		},
		{
			"a header that is none",
			input{args: enough + "--header X-A"},
			"--header: the header is none",
		},
		{
			"a header that is none, in the file",
			input{file: ok + "    headers:\n    - 'X-A: b'\n    - X-B\n"},
			"targets.orders.headers at line 8 of poller.yaml: the header is none",
		},
		{
			"headers that are neither list nor map",
			input{file: ok + "    headers: 'X-A: b'\n"},
			"targets.orders.headers at line 6 of poller.yaml: neither a list nor a map: write '- \"Name: value\"' or 'Name: value' on lines of their own",
		},
		{
			"backoff 0",
			input{args: enough + "--backoff 0s"},
			"--backoff: 0s is not over 0s: use a value such as 1s",
		},
		{
			"a backoff over its maximum",
			input{args: enough + "--backoff 20m"},
			"--backoff: 20m is longer than --backoff-max, which is 15m: use a shorter one, or a longer --backoff-max",
		},
		{
			"a backoff over its maximum, in the file",
			input{file: ok + "    backoff: 1m\n    backoff_max: 30s\n"},
			"targets.orders.backoff at line 6 of poller.yaml: 1m is longer than targets.orders.backoff_max at line 7 of poller.yaml, " +
				"which is 30s: use a shorter one, or a longer targets.orders.backoff_max at line 7 of poller.yaml",
		},
		{
			"a backoff over what SQS takes",
			input{args: enough + "--backoff-max 24h"},
			"--backoff-max: 24h is more than the 12h that SQS allows: use a value such as 15m",
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
			"no replicas",
			input{args: enough + "--fleet-replicas 0"},
			"--fleet-replicas: 0 is not between 1 and 10,000: use the most replicas that ever run, such as 4",
		},
		{
			"more replicas than deliveries at once",
			input{args: enough + "--concurrency 3 --fleet-replicas 4"},
			"--concurrency: 3 is less than one concurrent delivery for each of the 4 replicas in --fleet-replicas: use 4 or more, or fewer replicas",
		},
		{
			"more replicas than the default of deliveries at once, by a variable",
			input{args: enough, env: []string{"POLLER_FLEET_REPLICAS=11"}},
			"--concurrency: 10 is less than one concurrent delivery for each of the 11 replicas in POLLER_FLEET_REPLICAS: use 11 or more, or fewer replicas",
		},
		{
			"more replicas than deliveries at once, in the file",
			input{file: ok + "    concurrency: 3\nfleet:\n  replicas: 4\n"},
			"targets.orders.concurrency at line 6 of poller.yaml: 3 is less than one concurrent delivery for each of the 4 replicas in " +
				"fleet.replicas at line 8 of poller.yaml: use 4 or more, or fewer replicas",
		},
		{
			"more replicas than the burst",
			input{args: enough + "--rate 28/s --burst 2 --fleet-replicas 4"},
			"--burst: 2 is less than one for each of the 4 replicas in --fleet-replicas: use 4 or more, or omit it, which gives each at least 1",
		},
		{
			"a coordinator of another kind",
			input{args: enough + "--fleet-redis http://h --fleet-name budget"},
			"--fleet-redis: invalid scheme: use redis://HOST:6379",
		},
		{
			"a budget without a name",
			input{args: enough + "--fleet-redis redis://h"},
			"--fleet-name: the budget on --fleet-redis needs a name, which all replicas of this worker give and no other: set one, such as orders",
		},
		{
			"a name of a budget that is none",
			input{args: enough + "--fleet-redis redis://h --fleet-name a/b"},
			"--fleet-name: invalid name: use at most 128 letters, digits, '-', '_' and '.'",
		},
		{
			"a name of a budget without a coordinator",
			input{args: enough + "--fleet-name budget"},
			"--fleet-name: a budget's name needs a coordinator: set --fleet-redis too, or omit it",
		},
		{
			"a coordinator's password on the command line",
			input{args: enough + "--fleet-redis redis://:hunter2@h --fleet-name budget"},
			"--fleet-redis: the password is a secret, and other users can read the command line: " +
				"write @FILE with the URL, add ?password_file=FILE to it, set POLLER_FLEET_REDIS, or write it in a --config file",
		},
		{
			"a coordinator's password behind Sentinel on the command line",
			input{args: enough + "--fleet-redis redis+sentinel://h?master_name=m&password=hunter2 --fleet-name budget"},
			"--fleet-redis: the password is a secret, and other users can read the command line: " +
				"write @FILE with the URL, add ?password_file=FILE to it, set POLLER_FLEET_REDIS, or write it in a --config file",
		},
		{
			"a rate that a fleet cannot share",
			input{args: enough + "--fleet-redis redis://h --fleet-name budget --rate 30/h"},
			"--rate: 0.5/m is less than the 1/m that --fleet-redis can share: use a higher rate, omit it, or pause with poller pause",
		},
		{
			"too small a burst of a fleet",
			input{args: enough + "--fleet-redis redis://h --fleet-name budget --rate 200/s --burst 4"},
			"--burst: 4 is too few for 200/s between replicas, whose clocks and calls take time: use 5 or more, or omit it for 11",
		},
		{
			"too large a burst of a fleet",
			input{args: enough + "--fleet-redis redis://h --fleet-name budget --rate 2/s --burst 122"},
			"--burst: 122 is more than a minute of 2/s, which --fleet-redis does not share: use 121 or less",
		},
		{
			"a concurrency to be found by each of several replicas",
			input{args: enough + "--adaptive --concurrency 50 --fleet-replicas 3"},
			"--adaptive: each of the 3 replicas in --fleet-replicas would adapt alone, until one had everything: run one replica, or set --concurrency to what the target takes and omit this",
		},
		{
			"a concurrency to be found by a fleet",
			input{file: ok + "    adaptive: true\nfleet:\n  redis: redis://h\n  name: budget\n"},
			"targets.orders.adaptive at line 6 of poller.yaml: the concurrency is found by one worker alone, and fleet.redis at line 8 of poller.yaml is for several: set targets.orders.concurrency to what the target takes and omit this, or omit fleet.redis at line 8 of poller.yaml and run one replica",
		},
		{
			"an adaptive that is no boolean",
			input{env: []string{"POLLER_ADAPTIVE=maybe"}, args: enough},
			`POLLER_ADAPTIVE: invalid value "maybe": use true or false`,
		},
		{
			"a key of fleet that there is not",
			input{file: ok + "fleet:\n  replica: 4\n"},
			"fleet.replica at line 7 of poller.yaml: unknown key: did you mean replicas?",
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
			"a file that is not there",
			input{args: enough + "--config nowhere.yaml"},
			"--config: nowhere.yaml cannot be read (no such file or directory): give the path of a YAML file",
		},
		{
			"a file that is not there, in a variable",
			input{args: enough, env: []string{"POLLER_CONFIG=/nowhere.yaml"}},
			"POLLER_CONFIG: /nowhere.yaml cannot be read (no such file or directory): give the path of a YAML file",
		},
		{
			"an unknown key of a target",
			input{file: ok + "    rat: 28/s\n"},
			"targets.orders.rat at line 6 of poller.yaml: unknown key: did you mean rate?",
		},
		{
			"an unknown key of a queue",
			input{file: strings.Replace(ok, "targets:", "  visibility-timeout: 60s\ntargets:", 1)},
			"queues[0].visibility-timeout at line 3 of poller.yaml: unknown key: did you mean visibility_timeout?",
		},
		{
			"an unknown key at the top",
			input{file: ok + "drain-timeout: 3s\n"},
			"drain-timeout at line 6 of poller.yaml: unknown key: did you mean drain_timeout?",
		},
		{
			"keys with the names of flags that have another place",
			input{file: "queue: orders\ntarget: http://localhost/\nfleet_replicas: 4\nfleet-redis: a\nlog_level: info\nquota: 1/m\nheader: a\nsign_aws: lambda\nurl: a\nconfig: a\n"},
			"fleet_replicas at line 3 of poller.yaml: unknown key: did you mean fleet.replicas?; " +
				"fleet-redis at line 4 of poller.yaml: unknown key: did you mean fleet.redis?; " +
				"log_level at line 5 of poller.yaml: unknown key: did you mean log.level?; " +
				"quota at line 6 of poller.yaml: unknown key: did you mean quotas?; " +
				"header at line 7 of poller.yaml: unknown key: did you mean headers?; " +
				"sign_aws at line 8 of poller.yaml: unknown key: did you mean auth.aws.service?; " +
				"url at line 9 of poller.yaml: unknown key: the keys are in docs/settings.md; " +
				"config at line 10 of poller.yaml: unknown key: the keys are in docs/settings.md",
		},
		{
			"flags' names within a target, a queue and the log",
			input{file: strings.Replace(ok, "targets:", "  timeout: 3s\ntargets:", 1) +
				"    webhook_secret: a\n    target: b\n    fleet_name: c\n    auth: {aws: {sign_aws_region: d, oauth2_style: basic}}\nlog: {log_level: info}\n"},
			"queues[0].timeout at line 3 of poller.yaml: unknown key: did you mean targets.NAME.timeout?; " +
				"targets.orders.webhook_secret at line 7 of poller.yaml: unknown key: did you mean auth.webhook.secrets?; " +
				"targets.orders.target at line 8 of poller.yaml: unknown key: did you mean url?; " +
				"targets.orders.fleet_name at line 9 of poller.yaml: unknown key: did you mean fleet.name at the top level?; " +
				"targets.orders.auth.aws.sign_aws_region at line 10 of poller.yaml: unknown key: did you mean region?; " +
				"targets.orders.auth.aws.oauth2_style at line 10 of poller.yaml: unknown key: did you mean targets.orders.auth.oauth2.style?; " +
				"log.log_level at line 11 of poller.yaml: unknown key: did you mean level?",
		},
		{
			"an unknown key that is like no other",
			input{file: ok + "log:\n  colour: red\n"},
			"log.colour at line 7 of poller.yaml: unknown key: use level or format",
		},
		{
			"a key twice",
			input{file: ok + "    url: http://localhost/\n"},
			"poller.yaml at line 6: duplicate key: remove one",
		},
		{
			"a key without its value",
			input{file: ok + "    rate:\n"},
			"targets.orders.rate at line 6 of poller.yaml: no value: set one, or remove the key",
		},
		{
			"a list for a value",
			input{file: ok + "    rate: [1, 2]\n"},
			"targets.orders.rate at line 6 of poller.yaml: a list or a map where a single value belongs",
		},
		{
			"a map for the queues",
			input{file: "queues:\n  queue: orders\n"},
			"queues at line 2 of poller.yaml: not a list: begin each queue with '- queue: NAME'",
		},
		{
			"a list for the targets",
			input{file: "targets:\n- url: http://localhost/\n"},
			"targets at line 2 of poller.yaml: not a map: use 'name: value' lines under it",
		},
		{
			"no YAML",
			input{file: ok + "\t- {\n"},
			"poller.yaml at line 6: not valid YAML from here on (found character '\t' that cannot start any token)",
		},
		{
			"text",
			input{file: "hello\n"},
			"poller.yaml at line 1: not a map: use 'name: value' lines",
		},
		{
			"two documents",
			input{file: ok + "---\n" + ok},
			"poller.yaml at line 7: a second YAML document starts: put all settings in one",
		},
		{
			"an empty file",
			input{file: "# nothing\n"},
			"no queue given: set --queue or POLLER_QUEUE to its URL, ARN or name, or write queues in poller.yaml",
		},
		{
			"a target's name with spaces",
			input{file: "targets:\n  my orders:\n    url: http://localhost/\n"},
			"targets at line 2 of poller.yaml: invalid target name: use at most 40 letters, digits, '-', '_' and '.'",
		},
		{
			"a file's target without a URL",
			input{file: "queues:\n- queue: orders\ntargets:\n  orders:\n    rate: 1/s\n"},
			"targets.orders at line 4 of poller.yaml: url is missing: add it there, or set --target or POLLER_TARGET to the URL to deliver to",
		},
		{
			"a file's queue without its queue",
			input{file: "queues:\n- gather: 1s\ntargets:\n  orders:\n    url: http://localhost/\n"},
			"queues[0] at line 2 of poller.yaml: queue is missing: add it there, or set --queue or POLLER_QUEUE to its URL, ARN or name",
		},
		{
			"a target that is not there",
			input{file: strings.Replace(ok, "targets:", "  target: order\ntargets:", 1)},
			"queues[0].target at line 3 of poller.yaml: unknown target: use orders",
		},
		{
			"two targets and no word which",
			input{file: ok + "  other:\n    url: http://localhost/\n"},
			"queues[0] at line 2 of poller.yaml: it names no target: add target: orders or other",
		},
		{
			"a target that nobody needs",
			input{file: strings.Replace(ok, "targets:", "  target: orders\ntargets:", 1) + "  other:\n    url: http://localhost/\n"},
			"targets.other at line 7 of poller.yaml: no queue uses this target: name it as a queue's target, or remove it",
		},
		{
			"a flag beside two targets",
			input{args: "--rate 1/s", file: ok + "  other:\n    url: http://localhost/\n"},
			"--rate: poller.yaml has 2 targets, so it is ambiguous: set targets.NAME.rate in the file",
		},
		{
			"a variable beside two queues",
			input{env: []string{"POLLER_GATHER=1s"}, file: strings.Replace(ok, "targets:", "- queue: other\ntargets:", 1)},
			"POLLER_GATHER: poller.yaml has 2 queues, so it is ambiguous: set queues[].gather in the file",
		},
		{
			"a policy that is none",
			input{args: enough + "--on-rejected=drop"},
			`--on-rejected: invalid policy "drop": use retry, dead-letter or discard`,
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
		{
			"a certificate without its key",
			input{args: enough + "--tls-cert=cert.pem"},
			"--tls-cert: needs a second file: set --tls-key too, or omit both",
		},

		{
			"a secret header on the command line",
			input{args: enough + "--header authorization:_Bearer_hunter2"},
			"--header: the value of authorization is a secret, and other users can read the command line: " +
				"write 'authorization: @FILE', or set POLLER_HEADER, or write it in a --config file",
		},
		{
			"a password on the command line",
			input{args: "--queue orders --target http://me:hunter2@localhost/"},
			"--target: user and password are secrets, and other users can read the command line: " +
				"set POLLER_TARGET to the URL, or write it in a --config file",
		},
	} {
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
