package simulation

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this one seed, and print its log with -v")
	seeds   = flag.Uint64("seeds", usualSeeds, "how many seeds to run")
	replays = flag.Uint64("replays", usualSeeds/2, "how many of them to play twice")
	first   = flag.Uint64("from", 1, "the first of them")
	share   = flag.Float64("wider", 0, "the share of seeds that are wider worlds, 0 to 1")
	reach   = flag.Bool("reach", false, "fail for what no seed has reached; so it is from 2,000 seeds on")
	whole   = flag.Bool("whole", false, "all worlds of every test, as CI plays them: those that take long too")
	only    = flag.String("only", "", "play only worlds whose kind, as a failure names it, matches this regular expression: with -wider")
	long    = flag.Bool("long", false, "the staged outage of 13 hours and the row of a thousand poison messages")
	chatter = flag.Bool("daemon-log", false, "with -seed and -v: print the daemon's own log too")
)

// TestMain sets the AWS SDK's environment for all bubbles.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": "http://localsqs", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	folder, err := os.MkdirTemp("", "simulation")
	if err == nil {
		err = makeCertificate(folder)
	}
	if err != nil {
		panic(err)
	}
	debug.SetGCPercent(400)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(folder)
		os.Exit(code)
	}))
}

// play runs one seed in a bubble of its own.
func play(t *testing.T, seed uint64, share float64, daemonLog *bytes.Buffer) *world {
	t.Helper()
	w := newWorld(draw(seed, share))
	if daemonLog != nil {
		w.daemonLog = daemonLog
	}
	synctest.Test(t, func(t *testing.T) { w.run(t.Context()) })
	return w
}

// enoughSeeds is how many seeds reach everything that is counted.
const enoughSeeds = 2000

// played are the servers' logs of seeds that have been played, for the replay.
var played sync.Map

func TestEveryInvariantHoldsInEverySeed(t *testing.T) {
	from, n := *first, *seeds
	if *oneSeed != 0 {
		from, n = *oneSeed, 1
	}
	kind := regexp.MustCompile(*only)
	var sum, messages atomic.Int64
	t.Cleanup(func() {
		if *reach || n >= enoughSeeds {
			tally.check(t, *share > 0)
		}
		if *oneSeed == 0 && testing.Verbose() {
			t.Logf("how often it came up:\n%s", tally.table())
		}
		t.Logf("%d seeds, %d messages, %.1f hours of queue time", n, messages.Load(), time.Duration(sum.Load()).Hours())
	})
	all := slices.Collect(func(yield func(uint64) bool) {
		for seed, left := from, n; left > 0; seed++ {
			if *oneSeed == 0 && *only != "" && !kind.MatchString(draw(seed, *share).wide.String()) {
				continue
			}
			if left--; !yield(seed) {
				return
			}
		}
	})
	for _, seed := range all {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			var daemonLog *bytes.Buffer
			if *chatter && *oneSeed != 0 {
				daemonLog = new(bytes.Buffer)
			}
			w := play(t, seed, *share, daemonLog)
			sum.Add(int64(w.stopped) * int64(len(w.plan.queues)))
			messages.Add(int64(len(w.plan.sends)))
			if w.plan.exact() && seed < *first+2**replays {
				played.Store(seed, w.evidence.log())
			}
			if *oneSeed != 0 && testing.Verbose() {
				t.Logf("%+v\n%s", *w.plan, w.evidence.log())
				if daemonLog != nil {
					t.Logf("%s", daemonLog)
				}
			}
			broken := judge(w)
			tally.add(w.tally)
			if len(broken) > 0 {
				t.Errorf("%s\n%v; replay it: go test ./internal/simulation -run EveryInvariant -v -seed %d -wider %v", strings.Join(broken, "\n"), w.plan.wide, seed, *share)
			}
		})
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	from, n := *first, *replays
	if *oneSeed != 0 {
		from, n = *oneSeed, 1
	}
	for seed := from; n > 0; seed++ {
		if *oneSeed == 0 && !draw(seed, *share).exact() {
			continue
		}
		n--
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			one, ok := played.Load(seed)
			if !ok {
				one = play(t, seed, *share, nil).evidence.log()
			}
			if two := play(t, seed, *share, nil).evidence.log(); one != two {
				t.Errorf("the servers' logs differ:\n%s", difference(one.(string), two))
			}
		})
	}
}

// difference shows where two logs diverge.
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
