package config

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestOneReplicaHasTheWholeBudget(t *testing.T) {
	c := mustLoad(t, input{args: enough + "--rate 28/s --burst 3"})
	if c.Fleet.Replicas != 1 {
		t.Errorf("%d replicas by default", c.Fleet.Replicas)
	}
	for _, f := range []Fleet{{}, {Replicas: 1}} {
		whole := c.Targets["default"]
		if got := f.Share(whole); got.Concurrency != 10 || got.Rate != whole.Rate || got.Burst != 3 {
			t.Errorf("%+v: %+v", f, got)
		}
	}
}

func TestEveryTargetIsDividedByTheReplicas(t *testing.T) {
	c := mustLoad(t, input{file: `
queues:
- {queue: a, target: fast}
- {queue: b, target: slow}
- {queue: c, target: free}
targets:
  fast: {url: "http://fast/", rate: 1000/s, concurrency: 50}
  slow: {url: "http://slow/", rate: 1/m, concurrency: 4, burst: 9}
  free: {url: "http://free/"}
fleet: {replicas: 4}
`})
	for name, want := range map[string]struct {
		concurrency int
		rate        Rate
		burst       int
	}{
		"fast": {12, Rate{Limited: true, PerSecond: 250}, 2},
		"slow": {1, Rate{Limited: true, PerSecond: 1.0 / 240}, 2},
		"free": {2, Rate{}, 1},
	} {
		got := c.Fleet.Share(c.Targets[name])
		if got.Concurrency != want.concurrency || got.Rate != want.rate || got.Burst != want.burst {
			t.Errorf("%s: %d at once, %s, burst %d, want %+v", name, got.Concurrency, got.Rate, got.Burst, want)
		}
	}
}

func TestQuotasAreDividedByTheReplicasAndRoundedDown(t *testing.T) {
	whole := []Quota{{1000, "m"}, {50003, "d"}}
	got := Fleet{Replicas: 4}.Share(Target{Concurrency: 4, Quotas: whole})
	if want := []Quota{{250, "m"}, {12500, "d"}}; !slices.Equal(got.Quotas, want) || whole[0].N != 1000 {
		t.Errorf("%v of %v", got.Quotas, whole)
	}
}

func TestQuotasThatAreNeverReachedAreNamed(t *testing.T) {
	for args, want := range map[string]string{
		"--quota 100/m":                      "",
		"--rate 2/s --quota 100/m":           "",
		"--rate 2/s --quota 121/m":           "quota 121/m is never reached: the rate of 2/s allows at most 121 in that time: omit it, or raise the rate",
		"--rate 2/s --burst 5 --quota 124/m": "",
		"--rate 0 --quota 100/m":             "",
		"--quota 100/m --quota 5999/h":       "",
		"--quota 100/m --quota 6000/h":       "quota 6000/h is never reached: the quota of 100/m allows at most 6000 in that time: omit it, or raise the other",
	} {
		got := mustLoad(t, input{args: enough + args}).Targets["default"].PointlessQuotas()
		if strings.Join(got, "; ") != want {
			t.Errorf("%s\n got %q\nwant %q", args, got, want)
		}
	}
}

func TestAPausedRateIsPausedForEveryReplica(t *testing.T) {
	got := Fleet{Replicas: 3}.Share(Target{Concurrency: 3, Rate: Rate{Limited: true}, Burst: 1})
	if got.Rate != (Rate{Limited: true}) {
		t.Errorf("%+v", got.Rate)
	}
}

func TestAllSharesTogetherAreNeverMoreThanTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, maxReplicas).Draw(t, "replicas")
		whole := Target{
			Concurrency: rapid.IntRange(n, maxConcurrency).Draw(t, "concurrency"),
			Rate:        Rate{Limited: true, PerSecond: rapid.Float64Range(1e-6, maxRate).Draw(t, "rate")}, // from one in eleven days
			Burst:       rapid.IntRange(n, maxBurst).Draw(t, "burst"),
		}
		share := Fleet{Replicas: n}.Share(whole)
		if share.Concurrency < 1 || share.Concurrency*n > whole.Concurrency || (share.Concurrency+1)*n <= whole.Concurrency {
			t.Errorf("%d × %d deliveries at once of %d", n, share.Concurrency, whole.Concurrency)
		}
		if share.Burst < 1 || share.Burst*n > whole.Burst {
			t.Errorf("%d × burst %d of %d", n, share.Burst, whole.Burst)
		}
		// As exact as a float64 is.
		if sum := share.Rate.PerSecond * float64(n); sum > whole.Rate.PerSecond*(1+1e-12) || sum < whole.Rate.PerSecond*(1-1e-12) {
			t.Errorf("%d × %g of %g", n, share.Rate.PerSecond, whole.Rate.PerSecond)
		}
	})
}
