package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

func TestADrainThatThePlatformMayNotGrantIsAWarning(t *testing.T) {
	for drain, want := range map[time.Duration]severity{
		25 * time.Second: fine, 26 * time.Second: warning, 115 * time.Second: warning, 2 * time.Minute: warning,
	} {
		got := judgeSettings(config.Config{DrainTimeout: config.Duration(drain)}, 0)
		if len(got) != 3 || got[0].Severity != want {
			t.Errorf("%s: %+v", drain, got)
		}
	}
}

func TestCheckSaysWhatEachReplicaTakes(t *testing.T) {
	emulate(t, goodQueues(t))
	out, _, err := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t), "--rate", "28/s", "--fleet-replicas", "4", "--strict")
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"target default: each of the 4 replicas takes 7/s of the rate 28/s, with a burst of 1, and 2 of the 10 concurrent deliveries: 8 in total\n",
		"a partner that counts each second may see 28/s plus 4\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out, _, _ := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t)); strings.Contains(out, "replicas") {
		t.Errorf("one replica has no share:\n%s", out)
	}
}

func TestCheckSaysThatARateOfZeroIsAPauseAndNothingOfItsQuotas(t *testing.T) {
	emulate(t, goodQueues(t))
	out, _, err := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t), "--rate", "0", "--quota", "100/m")
	if err != nil {
		t.Error(err)
	}
	if !strings.Contains(out, "warning  target default: a rate of 0 is a pause: nothing is received or delivered; change --rate\n") || strings.Contains(out, "never reached") {
		t.Errorf("\n%s", out)
	}
}

func TestCheckWarnsOfQuotasThatAreNeverReachedOrThatARestartPasses(t *testing.T) {
	emulate(t, goodQueues(t))
	out, _, err := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t), "--rate", "1/s", "--quota", "100/m", "--quota", "5000/d")
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"quota 100/m is never reached: the rate of 1/s allows at most 61 in that time: omit it, or raise the rate",
		"a restart forgets what was used of the quota of 5000/d: up to twice as many may start in a window with one restart in it",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestCheckSaysWhatFindingTheConcurrencyCanDo(t *testing.T) {
	emulate(t, goodQueues(t))
	for args, want := range map[string]string{
		"--adaptive --concurrency 50":                       "the concurrency is found between 1 and 50, within 10 s or 200 deliveries",
		"--adaptive --concurrency 1":                        "with a concurrency of 1 there is nothing for --adaptive to find",
		"--adaptive --concurrency 50 --fleet-replicas 3":    "each of the 3 replicas in --fleet-replicas would adapt alone",
		"--adaptive --fleet-name b --fleet-redis redis://h": "--adaptive: the concurrency is found by one worker alone, and --fleet-redis is for several",
	} {
		out, errs, err := ran[checkCmd](t, "", append(strings.Fields(args), "--queue", "orders", "--target", untouched(t))...)
		said := out + errs
		if err != nil {
			said += err.Error()
		}
		if !strings.Contains(said, want) {
			t.Errorf("%s: no %q in\n%s", args, want, said)
		}
	}
}
