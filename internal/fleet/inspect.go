package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Fact is one thing that Inspect has found.
type Fact struct {
	// Wrong: a replica cannot work with it. Doubtful: it can, less well.
	Wrong, Doubtful bool
	// What is a sentence, and Change what to change about it.
	What, Change string
}

// probe calls each command of the script on a key that nobody else uses, the last, and reads
// the real ones, of whose kinds it would be refused.
const probe = `
for i = 1, #KEYS - 1 do redis.call('HGET', KEYS[i], 'any') end
local own = KEYS[#KEYS]
redis.call('HSET', own, 'a', '1')
redis.call('HGET', own, 'a')
redis.call('HMGET', own, 'a', 'b')
redis.call('HGETALL', own)
redis.call('PEXPIRE', own, 1000)
redis.call('HDEL', own, 'a')
redis.call('DEL', own)
redis.call('TIME')
local info = redis.pcall('INFO', 'server')
return type(info) == 'string' and info or ''`

// trips is how many round trips are measured.
const trips = 5

// oldest is the oldest version of Redis whose scripts may write after they have asked for
// the time.
const oldestMajor, oldestMinor = 6, 2

// Inspect looks at a coordinator as a replica would use it, and at what the budget means without
// it. It grants nothing and leaves nothing behind.
func Inspect(ctx context.Context, r *Redis, name string, b Budget) []Fact {
	return append(inspectServer(ctx, r, name, b), judgeQuotas(b)...)
}

func inspectServer(ctx context.Context, r *Redis, name string, b Budget) []Fact {
	c := newRedisCoordinator(r, name)
	defer c.close()
	keys := append(keysOf(name), "{poller:"+name+"}:check")
	var info string
	var best time.Duration
	for i := range trips {
		calling, cancel := context.WithTimeout(ctx, callLimit)
		began := time.Now()
		answer, err := redis.NewScript(probe).Run(calling, c.client, keys).Text()
		cancel()
		if err != nil {
			return []Fact{{Wrong: true, What: c.sentence(err).Error(), Change: changeFor(c.sentence(err))}}
		}
		if took := time.Since(began); i > 0 && (best == 0 || took < best) {
			best = took // not the first: it connects
		}
		info = answer
	}
	facts := []Fact{{What: fmt.Sprintf("%s is reached, and allows every command that the script of budget %s calls", r.Place(), name)}}
	facts = append(facts, judgeVersion(info), judgeTrip(best, b))
	return append(facts, c.judgeMembers(ctx, b)...)
}

// changeFor says what to change about an error.
func changeFor(err error) string {
	refused := new(RefusedError)
	switch {
	case !errors.As(err, &refused):
		return "--fleet-redis, or the network: security groups, NetworkPolicy"
	case strings.Contains(refused.What, "permission"):
		return "the ACL of the Redis user"
	default:
		return "--fleet-redis"
	}
}

// judgeVersion judges what INFO says; it is empty where INFO is refused.
func judgeVersion(info string) Fact {
	found := regexp.MustCompile(`(?m)^(redis|valkey)_version:(\d+)\.(\d+)(\S*)`).FindAllStringSubmatch(info, -1)
	if found == nil {
		return Fact{
			Doubtful: true, Change: "the ACL of the Redis user: allow +info",
			What: "INFO is refused, so a promotion that loses calls shows only when a replica has seen a later one",
		}
	}
	v := found[len(found)-1] // Valkey says both
	major, _ := strconv.Atoi(v[2])
	minor, _ := strconv.Atoi(v[3])
	name := map[string]string{"redis": "Redis", "valkey": "Valkey"}[v[1]] + " " + v[2] + "." + v[3] + v[4]
	if v[1] == "redis" && (major < oldestMajor || major == oldestMajor && minor < oldestMinor) {
		return Fact{Wrong: true, What: name + " is too old", Change: "the server: Redis 6.2 or later, or Valkey"}
	}
	return Fact{What: "it is " + name}
}

// judgeTrip judges a round trip by the time in which a token may be used.
func judgeTrip(trip time.Duration, b Budget) Fact {
	what := fmt.Sprintf("a call takes %s", trip.Round(10*time.Microsecond))
	if b.Rate == 0 {
		return Fact{What: what}
	}
	window := time.Duration(float64(b.Burst-1) / b.Rate * float64(time.Second))
	what += fmt.Sprintf(", and a token may be used for %s", window.Round(time.Millisecond))
	if trip > window/5 {
		return Fact{Doubtful: true, What: what + ": some will lapse", Change: "--burst: raise it, or use a coordinator that is nearer"}
	}
	return Fact{What: what + ": the burst is large enough"}
}

// judgeMembers says who is there, and whether somebody has another budget.
func (c *redisCoordinator) judgeMembers(ctx context.Context, b Budget) []Fact {
	calling, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	all, err := c.list(calling)
	if err != nil {
		return []Fact{{Doubtful: true, What: "who is there cannot be read: " + err.Error()}}
	}
	if len(all.members) == 0 {
		return []Fact{{What: "no replica uses this budget now"}}
	}
	other := 0
	for _, text := range all.members {
		text, quotas, _ := strings.Cut(text, ";")
		v := strings.Fields(text)
		if len(v) >= 8 && (quotas != limitsText(b.Quotas) || v[5] != strconv.FormatInt(millionths(b.Rate), 10) || v[6] != strconv.Itoa(b.Burst) || v[7] != strconv.Itoa(b.Slots)) {
			other++
		}
	}
	if other > 0 {
		return []Fact{{
			Doubtful: true, Change: "--rate, --burst and --concurrency, or --fleet-name if these are other workers",
			What: fmt.Sprintf("%d of %d replicas of this budget have other limits: the smaller hold", other, len(all.members)),
		}}
	}
	return []Fact{{What: fmt.Sprintf("%d replicas use this budget, all with these limits", len(all.members))}}
}

// judgeQuotas says what each quota costs while the coordinator is away.
func judgeQuotas(b Budget) []Fact {
	var facts []Fact
	for _, q := range b.Quotas {
		alone := b.aloneWith(q)
		switch {
		case q.N <= 0:
		case alone >= 0:
			facts = append(facts, Fact{What: fmt.Sprintf("the quota of %s is counted over all replicas; if the coordinator is away, a replica goes on by itself after %s more", q, alone)})
		case q.Window > longestAlone:
			facts = append(facts, Fact{Doubtful: true, What: fmt.Sprintf("while the coordinator is away nothing starts: what is left of the quota of %s is not known then", q)})
		default:
			facts = append(facts, Fact{Doubtful: true, Change: "--rate", What: fmt.Sprintf(
				"while the coordinator is away nothing starts: by itself a replica goes on with a part of the rate, and there is none beside the quota of %s", q)})
		}
	}
	return facts
}
