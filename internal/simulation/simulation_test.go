package simulation

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this one seed, and print its log with -v")
	seeds   = flag.Uint64("seeds", 40, "how many seeds to run")
	first   = flag.Uint64("from", 1, "the first of them")
	chatter = flag.Bool("daemon-log", false, "with -seed and -v: print the daemon's own log too")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// environment is the AWS SDK's, for all bubbles of a test.
func environment(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": "http://localsqs", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
}

// play runs one seed in a bubble of its own.
func play(t *testing.T, seed uint64, daemonLog *bytes.Buffer) *world {
	t.Helper()
	w := newWorld(draw(seed))
	if daemonLog != nil {
		w.daemonLog = daemonLog
	}
	synctest.Test(t, func(t *testing.T) { w.run(t.Context()) })
	return w
}

func TestEveryInvariantHoldsInEverySeed(t *testing.T) {
	environment(t)
	from, n := *first, *seeds
	if *oneSeed != 0 {
		from, n = *oneSeed, 1
	}
	var sum time.Duration
	messages := 0
	for seed := from; seed < from+n; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			var daemonLog *bytes.Buffer
			if *chatter && *oneSeed != 0 {
				daemonLog = new(bytes.Buffer)
			}
			w := play(t, seed, daemonLog)
			sum += w.stopped
			messages += len(w.plan.sends)
			if *oneSeed != 0 && testing.Verbose() {
				t.Logf("%+v\n%s", *w.plan, w.evidence.log())
				if daemonLog != nil {
					t.Logf("%s", daemonLog)
				}
			}
			if broken := judge(w); len(broken) > 0 {
				t.Errorf("%s\nreplay it: go test ./internal/simulation -run TestEveryInvariant -v -seed %d", strings.Join(broken, "\n"), seed)
			}
		})
	}
	t.Logf("%d seeds, %d messages, %.1f hours of queue time", n, messages, sum.Hours())
}

func TestASeedReplaysExactly(t *testing.T) {
	environment(t)
	n := uint64(20)
	if *oneSeed != 0 {
		n = 1
	}
	for i := range n {
		seed := *first + i
		if *oneSeed != 0 {
			seed = *oneSeed
		}
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			one, two := play(t, seed, nil).evidence.log(), play(t, seed, nil).evidence.log()
			if one != two {
				t.Errorf("the servers' logs differ:\n%s", difference(one, two))
			}
		})
	}
}

// difference shows where two logs part.
func difference(one, two string) string {
	a, b := strings.Split(one, "\n"), strings.Split(two, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			from := max(0, i-5)
			return fmt.Sprintf("%s\n--- one, from line %d\n%s\n--- two\n%s", strings.Join(a[from:i], "\n"), i,
				strings.Join(a[i:min(i+8, len(a))], "\n"), strings.Join(b[i:min(i+8, len(b))], "\n"))
		}
	}
	return fmt.Sprintf("%d lines and %d", len(a), len(b))
}
