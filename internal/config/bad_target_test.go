package config

// badTarget gets wrong where messages go, in what form, and with whose credentials.
var badTarget = []badInput{
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
		"--oauth2-token-url: OAuth2 needs more: set --oauth2-client-id and --oauth2-client-secret too",
	},
	{
		"a scope without OAuth2",
		input{args: enough + "--oauth2-scopes a"},
		"--oauth2-scopes: OAuth2 needs more: set --oauth2-token-url, --oauth2-client-id and --oauth2-client-secret too",
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
		"a policy that is none",
		input{args: enough + "--on-rejected=drop"},
		`--on-rejected: invalid policy "drop": use retry, dead-letter or discard`,
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
}
