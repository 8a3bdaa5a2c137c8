package fleet

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func TestVersionsOfServers(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]Fact{
		"redis_version:7.0.15\r\n":                         {What: "it is Redis 7.0.15"},
		"redis_version:6.2.0\r\n":                          {What: "it is Redis 6.2.0"},
		"redis_version:7.2.4\r\nvalkey_version:9.1.2\r\n":  {What: "it is Valkey 9.1.2"},
		"redis_version:6.0.16\r\n":                         {Wrong: true, What: "Redis 6.0.16 is too old", Change: "the server: Redis 6.2 or later, or Valkey"},
		"redis_version:5.0.1\r\nexecutable:/bin/redis\r\n": {Wrong: true, What: "Redis 5.0.1 is too old", Change: "the server: Redis 6.2 or later, or Valkey"},
	} {
		if got := judgeVersion(info); got != want {
			t.Errorf("%q: %+v", info, got)
		}
	}
	if got := judgeVersion(""); !got.Doubtful || !strings.Contains(got.What, "INFO is refused") {
		t.Errorf("%+v", got)
	}
}

func TestARoundTripIsJudgedByTheWindow(t *testing.T) {
	t.Parallel()
	b := Budget{Rate: 500, Burst: 26}
	if got := judgeTrip(9*time.Millisecond, b); got.Doubtful || got.What != "a call takes 9ms, and a token may be used for 50ms: the burst is large enough" {
		t.Errorf("%+v", got)
	}
	if got := judgeTrip(11*time.Millisecond, b); !got.Doubtful || !strings.Contains(got.Change, "--burst") {
		t.Errorf("%+v", got)
	}
	if got := judgeTrip(time.Second, Budget{}); got.Doubtful {
		t.Errorf("without a rate: %+v", got)
	}
}

func TestWhatAQuotaCostsWithoutTheCoordinatorIsSaid(t *testing.T) {
	t.Parallel()
	hour := perMinute(1000, 28)
	hour.Quotas[0].Window = time.Hour
	for want, b := range map[string]Budget{
		"the quota of 60/m is counted over all replicas; if the coordinator is away, a replica goes on by itself after 1m1s more": perMinute(60, 28),
		"while the coordinator is away nothing starts: what is left of the quota of 1000/h is not known then":                     hour,
		"and there is none beside the quota of 60/m": perMinute(60, 0),
	} {
		if got := judgeQuotas(b); len(got) != 1 || !strings.HasSuffix(got[0].What, want) || got[0].Doubtful != (b.alone() < 0) {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

func TestAnInspectionSaysWhoIsThereAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	r, err := ParseURL("redis://" + m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	expect := func(b Budget, want string, doubtful bool) {
		t.Helper()
		facts := Inspect(t.Context(), r, "test", b)
		last := facts[len(facts)-1]
		if last.What != want || last.Doubtful != doubtful || facts[0].Wrong {
			t.Errorf("%+v", facts)
		}
	}
	expect(partner, "no replica uses this budget now", false)
	if keys := m.Keys(); len(keys) != 0 {
		t.Errorf("it has left %v", keys)
	}
	c := newRedisCoordinator(r, "test")
	t.Cleanup(c.close)
	for _, id := range []string{"a", "b"} {
		if _, err := c.call(t.Context(), &request{id: id, call: 1, deadline: 1 << 62, budget: partner}); err != nil {
			t.Fatal(err)
		}
	}
	expect(partner, "2 replicas use this budget, all with these limits", false)
	other := partner
	other.Slots++
	expect(other, "2 of 2 replicas of this budget have other limits: the smaller hold", true)
	m.RequireAuth("other")
	if facts := Inspect(t.Context(), r, "test", partner); len(facts) != 1 || !facts[0].Wrong || facts[0].Change != "--fleet-redis" {
		t.Errorf("%+v", facts)
	}
	m.Close()
	if facts := Inspect(t.Context(), r, "test", partner); len(facts) != 1 || !facts[0].Wrong || !strings.Contains(facts[0].What, "cannot be reached") {
		t.Errorf("%+v", facts)
	}
}
