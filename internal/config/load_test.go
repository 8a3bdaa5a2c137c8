package config

import (
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// byDefault is what a queue and a target alone come to.
func byDefault() Config {
	return Config{
		Queues: []Queue{{Queue: "orders", Target: "default", Gather: Duration(20 * time.Millisecond), WaitTime: Duration(20 * time.Second), Weight: 1}},
		Targets: map[string]Target{"default": {
			URL: "http://localhost/", Concurrency: 10, Burst: 1, FollowLimits: true, Timeout: Duration(30 * time.Second), Format: "raw", Unwrap: "none", Auth: Auth{OAuth2: OAuth2{Style: "basic"}},
			OnRejected: "retry", Backoff: Duration(time.Second), BackoffMax: Duration(15 * time.Minute),
		}},
		Fleet:        Fleet{Replicas: 1},
		DrainTimeout: Duration(25 * time.Second),
		Listen:       "127.0.0.1:9500",
		Log:          Log{Level: Level(slog.LevelInfo), Format: "auto"},
	}
}

func TestAQueueAndATargetAreEnough(t *testing.T) {
	for name, in := range map[string]input{
		"flags":     {args: enough},
		"variables": {env: []string{"POLLER_QUEUE=orders", "POLLER_TARGET=http://localhost/\n"}},
		"mixed":     {args: "--queue orders", env: []string{"POLLER_QUEUE=other", "POLLER_TARGET=http://localhost/", "POLLER_RATE="}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustLoad(t, in); !reflect.DeepEqual(got, byDefault()) {
				t.Errorf("\n got %+v\nwant %+v", got, byDefault())
			}
		})
	}
}

func TestAFileSaysAsMuchAsFlagsAndVariables(t *testing.T) {
	args := []string{
		"--queue", "orders", "--target", "http://localhost/", "--concurrency", "7", "--rate", "1500/m", "--burst", "3", "--quota", "1000/m", "--quota", "50000/d",
		"--timeout", "5s", "--format", "cloudevents", "--batch", "7", "--batch-wait", "200ms", "--unwrap", "sns", "--header", "X-A:_1,_2", "--header", "X-B:_3", "--backoff", "2s", "--backoff-max", "1h",
		"--visibility-timeout", "1m", "--gather", "0s", "--wait-time", "4s", "--weight", "3", "--tls-ca", "ca.pem", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--on-rejected", "discard", "--fleet-redis", "redis://localhost:6379", "--fleet-name", "budget", "--fleet-replicas", "2", "--drain-timeout", "1m30s", "--listen", "127.0.0.1:1", "--control-token", "@token", "--memory", "256MiB", "--dashboard", "https://grafana.example/d/poller", "--log-level", "debug", "--log-format", "json",
	}
	args = append(args, "--oauth2-token-url", "http://idp/", "--oauth2-client-id", "c", "--oauth2-client-secret", "@secret",
		"--oauth2-scopes", "a_b", "--oauth2-audience", "d", "--oauth2-style", "form",
		"--sign-aws", "lambda", "--sign-aws-region", "eu-west-1", "--webhook-secret", "@one", "--webhook-secret", "@two")
	var env []string
	for i := 0; i < len(args); i += 2 {
		name, value := Variable(strings.TrimPrefix(args[i], "--")), strings.ReplaceAll(args[i+1], "_", " ")
		if name == "POLLER_HEADER" {
			value = "X-A: 1, 2\n\nX-B: 3\n"
		}
		if name == "POLLER_WEBHOOK_SECRET" {
			value = "@one\n@two"
		}
		if name == "POLLER_QUOTA" {
			value = "1000/m, 50000/d"
		}
		env = append(env, name+"="+value)
	}
	// Flags without a value of their own.
	args, env = append(args, "--fifo-strict", "--trace-parent", "--follow-limits=false", "--adaptive=false"), append(env, "POLLER_FIFO_STRICT=true", "POLLER_TRACE_PARENT=true", "POLLER_FOLLOW_LIMITS=false", "POLLER_ADAPTIVE=false")
	file := `
queues:
- queue: orders
  visibility_timeout: 1m
  gather: 0s
  wait_time: 4s
  weight: 3
  fifo_strict: true
targets:
  default:
    url: http://localhost/
    concurrency: 7
    rate: 1500/m
    burst: 3
    quotas: [1000/m, 50000/d]
    follow_limits: false
    adaptive: false
    timeout: 5s
    format: cloudevents
    batch: 7
    batch_wait: 200ms
    unwrap: sns
    headers: ["X-A: 1, 2", "X-B: 3"]
    tls_ca: ca.pem
    tls_cert: cert.pem
    tls_key: key.pem
    auth:
      oauth2: {token_url: http://idp/, client_id: c, client_secret: "@secret", scopes: a b, audience: d, style: form}
      aws: {service: lambda, region: eu-west-1}
      webhook: {secrets: ["@one", "@two"]}
    on_rejected: discard
    backoff: 2s
    backoff_max: 1h
fleet: {redis: "redis://localhost:6379", name: budget, replicas: 2}
drain_timeout: 1m30s
listen: 127.0.0.1:1
memory: 256MiB
control_token: "@token"
dashboard: https://grafana.example/d/poller
trace_parent: true
log: {level: debug, format: json}
`
	given := make(map[string]bool)
	for _, arg := range args {
		if flag, is := strings.CutPrefix(arg, "--"); is {
			name, _, _ := strings.Cut(flag, "=")
			given[name] = true
		}
	}
	for _, s := range Settings() {
		if s.Flag != "" && s.YAML != "" && !given[s.Flag] {
			t.Errorf("--%s is not tried here", s.Flag)
		}
	}

	byFlags := mustLoad(t, input{args: strings.Join(args, " ")})
	if r := byFlags.Targets["default"].Rate; r != (Rate{Limited: true, PerSecond: 25}) {
		t.Errorf("rate %+v", r)
	}
	if h := byFlags.Targets["default"].Headers; !slices.Equal(h, []string{"X-A: 1, 2", "X-B: 3"}) {
		t.Errorf("headers %q", h)
	}
	if got := mustLoad(t, input{env: env}); !reflect.DeepEqual(got, byFlags) {
		t.Errorf("variables\n got %+v\nwant %+v", got, byFlags)
	}
	if got := mustLoad(t, input{file: file}); !reflect.DeepEqual(got, byFlags) {
		t.Errorf("file\n got %+v\nwant %+v", got, byFlags)
	}
}

func TestAFlagGoesBeforeAVariableBeforeTheFileBeforeTheDefault(t *testing.T) {
	in := input{file: ok}
	rate := func() string {
		return mustLoad(t, in).Targets["orders"].Rate.String()
	}
	if got := rate(); got != "none" {
		t.Errorf("the default: %s", got)
	}
	in.file += "    rate: 3\n"
	if got := rate(); got != "3/s" {
		t.Errorf("the file: %s", got)
	}
	in.env = []string{"POLLER_RATE=2/s"}
	if got := rate(); got != "2/s" {
		t.Errorf("the variable: %s", got)
	}
	in.args = "--rate 60/m"
	if got := rate(); got != "1/s" {
		t.Errorf("the flag: %s", got)
	}
	in.args = "--rate none"
	if got := rate(); got != "none" {
		t.Errorf("the flag that takes it away: %s", got)
	}
}

func TestAFlagThatRepeatsTheDefaultGoesBeforeTheFile(t *testing.T) {
	c := mustLoad(t, input{args: "--concurrency 10", file: ok + "    concurrency: 3\n"})
	if got := c.Targets["orders"].Concurrency; got != 10 {
		t.Errorf("concurrency %d", got)
	}
}

func TestFlagsTakeTheHeadersOfVariablesAndTheFileAway(t *testing.T) {
	in := input{file: ok + "    headers:\n      X-A: 1\n      X-B: '@/run/secrets/b'\n"}
	if got := mustLoad(t, in).Targets["orders"].Headers; !slices.Equal(got, []string{"X-A: 1", "X-B: @/run/secrets/b"}) {
		t.Errorf("%q", got)
	}
	in.args = "--header X-C:_2"
	if got := mustLoad(t, in).Targets["orders"].Headers; !slices.Equal(got, []string{"X-C: 2"}) {
		t.Errorf("%q", got)
	}
}

func TestSecretsMayComeFromVariablesAndFiles(t *testing.T) {
	mustLoad(t, input{args: enough + "--header Authorization:_@/run/secrets/token"})
	mustLoad(t, input{args: enough, env: []string{"POLLER_HEADER=Authorization: Bearer hunter2"}})
	mustLoad(t, input{args: "--queue orders", env: []string{"POLLER_TARGET=http://me:hunter2@localhost/"}})
	mustLoad(t, input{file: ok + "    headers: {Authorization: Bearer hunter2}\n"})
}

func TestTheBurstIsWhatComesIn10Milliseconds(t *testing.T) {
	for rate, want := range map[string]int{"none": 1, "0": 1, "28/s": 1, "199": 1, "200": 2, "5000/s": 50, "60000/m": 10} {
		if got := mustLoad(t, input{args: enough + "--rate " + rate}).Targets["default"].Burst; got != want {
			t.Errorf("rate %s: burst %d, want %d", rate, got, want)
		}
	}
}

func TestTheAdminPortIsOpenToOthersByDefaultInAContainerAlone(t *testing.T) {
	for container, want := range map[bool]string{false: "127.0.0.1:9500", true: ":9500"} {
		c, _, err := Load(Sources{Environ: []string{"POLLER_QUEUE=orders", "POLLER_TARGET=http://localhost/"}, Checks: testChecks(), Container: container})
		if err != nil || c.Listen != want {
			t.Errorf("in a container %v: %s (%v), want %s", container, c.Listen, err, want)
		}
	}
}

func TestRatesAreWrittenAsAPersonWould(t *testing.T) {
	for rate, want := range map[string]string{
		"1000000/s": "1000000/s", "123456.7": "123456.7/s", "28": "28/s", "1.25": "1.25/s", "1000/m": "1000/m", "90/m": "1.5/s", "1/h": "1/h",
		"0": "0/s", "0.0001": "0.36/h", "0.12345678": "0.123457/s", "none": "none",
	} {
		if got := mustLoad(t, input{args: enough + "--rate " + rate}).Targets["default"].Rate.String(); got != want {
			t.Errorf("%s is written %s, want %s", rate, got, want)
		}
	}
}

func TestARateOf0PausesAndNoRateIsNone(t *testing.T) {
	if got := mustLoad(t, input{args: enough + "--rate 0"}).Targets["default"].Rate; got != (Rate{Limited: true}) {
		t.Errorf("%+v", got)
	}
}

func TestAdaptiveIsOffUnlessItIsAskedFor(t *testing.T) {
	if mustLoad(t, input{args: enough}).Targets["default"].Adaptive {
		t.Error("on by default")
	}
	for _, in := range []input{
		{args: enough + "--adaptive"}, {args: enough, env: []string{"POLLER_ADAPTIVE=true"}}, {args: enough + "--adaptive --fleet-replicas 1"},
	} {
		if !mustLoad(t, in).Targets["default"].Adaptive {
			t.Errorf("%q %q does not turn it on", in.args, in.env)
		}
	}
	if !mustLoad(t, input{file: ok + "    adaptive: true\n"}).Targets["orders"].Adaptive {
		t.Error("the file does not turn it on")
	}
}

func TestAnchorsAndMergesOfTheFileAreFollowed(t *testing.T) {
	c := mustLoad(t, input{file: `
queues:
- queue: &name orders
  target: *name
targets:
  orders:
    <<: &usual
      url: http://localhost/
      rate: 5
      timeout: 3s
    rate: 7/s
`})
	if got := c.Targets["orders"]; got.Rate.PerSecond != 7 || got.Timeout != Duration(3*time.Second) {
		t.Errorf("%+v", got)
	}
}

func TestAnAnchorThatHoldsItselfIsAnError(t *testing.T) {
	for _, file := range []string{"&a\n<<: *a\n", "queues: &a\n- *a\n", "log: &a\n  <<: *a\n", "listen: *nowhere\n"} {
		if _, _, err := load(t, input{file: file}); err == nil {
			t.Errorf("%q was taken", file)
		}
	}
}

func TestUnknownVariablesAreWarnedOf(t *testing.T) {
	_, warnings, err := load(t, input{args: enough, env: []string{
		"POLLER_RAET=28/s", "POLLER_PORT=9500", "POLLER_TOTALLY_ELSE=1", "POLLER_SERVICE=x", "OTHER=1", "POLLER_EMPTY=",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"POLLER_PORT is not a setting and has no effect",
		"POLLER_RAET is not a setting and has no effect: did you mean POLLER_RATE?",
		"POLLER_SERVICE is not a setting and has no effect",
		"POLLER_TOTALLY_ELSE is not a setting and has no effect",
	}
	for i := range warnings {
		if i >= len(want) || !strings.HasPrefix(warnings[i], want[i]) {
			t.Errorf("%q, want %q", warnings[i], want[min(i, len(want)-1)])
		}
	}
	if len(warnings) != len(want) {
		t.Errorf("%d warnings, want %d", len(warnings), len(want))
	}
}

func TestVariablesThatKubernetesMakesArePassedOver(t *testing.T) {
	mustLoad(t, input{args: enough, env: []string{
		"POLLER_PORT=tcp://10.0.0.1:9500", "POLLER_SERVICE_HOST=10.0.0.1", "POLLER_SERVICE_PORT=9500", "POLLER_SERVICE_PORT_METRICS=9500",
		"POLLER_PORT_9500_TCP=tcp://10.0.0.1:9500", "POLLER_PORT_9500_TCP_PROTO=tcp", "POLLER_PORT_9500_TCP_PORT=9500", "POLLER_PORT_9500_TCP_ADDR=10.0.0.1",
		"POLLER_SINK_SERVICE_HOST=10.0.0.2", "POLLER_SINK_PORT=tcp://10.0.0.2:80",
	}})
}

func TestTheFileComesFromAVariableToo(t *testing.T) {
	load(t, input{file: ok}) // leaves poller.yaml in the working directory
	c := mustLoad(t, input{env: []string{"POLLER_CONFIG=poller.yaml", "POLLER_TARGET=http://localhost:1/"}})
	if got := c.Targets["orders"].URL; got != "http://localhost:1/" {
		t.Errorf("url %s", got)
	}
}

func TestNoErrorRepeatsASecret(t *testing.T) {
	const secret = "hunter2hunter2"
	header := "    headers:\n      Authorization: " + secret + "\n"
	for _, file := range []string{
		ok + header + "    rat: 1\n",
		ok + header + "    url: twice\n",
		ok + header + "  - {\n",
		ok + header + "\tx\n",
		ok + "    headers: Authorization: " + secret + "\n",
		ok + "    headers:\n      Authorization " + secret + "\n",
		ok + "    headers:\n    - Authorization " + secret + "\n",
		ok + "    headers:\n    - Authorization: " + secret + "\n",
		ok + "    headers:\n      Authorization: \"" + secret + "\n",
		ok + "    rate: Bearer " + secret + "\n",
		ok + "    'Bearer " + secret + "': 1\n",
		ok + "    timeout: 'Authorization: " + secret + "'\n",
		strings.Replace(ok, "url: http://", "url: ftp://me:"+secret+"@", 1),
		ok + secret + secret + secret + "\n",
	} {
		_, _, err := load(t, input{file: file})
		if err == nil {
			t.Errorf("taken:\n%s", file)
		} else if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v\nof\n%s", err, file)
		}
	}
}

func FuzzTheFileNeverPanics(f *testing.F) {
	f.Add(ok)
	f.Add("a: &a [*a]\n<<: *a\n? b\n: - !!str c\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := &draft{file: "poller.yaml", daemon: newPart[Config](ofDaemon, "")}
		if err := readYAML(d, []byte(text)); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %v", err)
		}
	})
}

func TestEachFormatIsTaken(t *testing.T) {
	for _, format := range formats {
		if c := mustLoad(t, input{args: "--queue orders --target http://h/ --format " + format}); c.Targets["default"].Format != format {
			t.Errorf("%s is %q", format, c.Targets["default"].Format)
		}
	}
}
