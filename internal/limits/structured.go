package limits

import (
	"math"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/sqs-poller/poller/internal/message"
)

// structured reads RateLimit, a list of items such as "name";r=50;t=30. Where an item does
// not say when there will be more, the window of its policy does: "name";q=100;w=60. An
// earlier draft's dictionary, limit=100, remaining=50, reset=30, is read too.
func (r reader) structured(values, policies []string) (limits []message.Limit, ignored int) {
	list, err := httpsfv.UnmarshalList(values)
	if err != nil || !isList(list) {
		return r.dictionary(values)
	}
	windows := windowsOf(policies)
	for _, member := range list {
		item, ok := member.(httpsfv.Item)
		name, named := item.Value.(string)
		if !ok || !named {
			ignored++
			continue
		}
		remaining, ok := number(item.Params, "r")
		if !ok {
			ignored++
			continue
		}
		reset, ok := number(item.Params, "t")
		if !ok {
			if _, given := item.Params.Get("t"); given {
				ignored++
				continue
			}
			if reset, ok = windows[name]; !ok {
				reset = missing
			}
		}
		one, ok := r.limit(remaining, reset)
		if !ok {
			ignored++
			continue
		}
		one.Name = name
		if partition, given := item.Params.Get("pk"); given {
			bytes, _ := partition.([]byte)
			one.Partition = "pk:" + string(bytes)
		}
		limits = append(limits, one)
	}
	return limits, ignored
}

// isList reports whether some member is a string: in a dictionary that was read as a list
// none is.
func isList(list httpsfv.List) bool {
	for _, member := range list {
		if item, ok := member.(httpsfv.Item); ok {
			if _, named := item.Value.(string); named {
				return true
			}
		}
	}
	return false
}

func (r reader) dictionary(values []string) (limits []message.Limit, ignored int) {
	d, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return nil, 1
	}
	of := func(key string) (int64, bool) {
		member, _ := d.Get(key)
		item, _ := member.(httpsfv.Item)
		n, ok := item.Value.(int64)
		return n, ok
	}
	remaining, ok := of("remaining")
	if !ok {
		return nil, 1
	}
	reset, ok := of("reset")
	if !ok {
		reset = missing
	}
	one, ok := r.limit(remaining, reset)
	if !ok {
		return nil, 1
	}
	return []message.Limit{one}, 0
}

// windowsOf returns the windows of RateLimit-Policy by the policies' names, in seconds.
func windowsOf(policies []string) map[string]int64 {
	list, err := httpsfv.UnmarshalList(policies)
	if err != nil {
		return nil
	}
	windows := make(map[string]int64, len(list))
	for _, member := range list {
		item, ok := member.(httpsfv.Item)
		name, named := item.Value.(string)
		if seconds, given := number(item.Params, "w"); ok && named && given {
			windows[name] = seconds
		}
	}
	return windows
}

func number(params *httpsfv.Params, key string) (int64, bool) {
	if params == nil {
		return 0, false
	}
	value, _ := params.Get(key)
	n, ok := value.(int64)
	return n, ok
}

const (
	// missing stands for a time that is not said.
	missing      = -1
	maxRemaining = 1_000_000_000
	// maxReset is the longest wait that is taken for meant: a month's quota, and some.
	maxReset = 40 * 24 * time.Hour
)

// limit returns a limit of a number and a time in seconds, unless it cannot be true. It
// needs a time: of one without nobody knows how long it holds. Of a limit that is used up
// an answer's Retry-After says it best, and will do for its time.
func (r reader) limit(remaining, seconds int64) (message.Limit, bool) {
	var wait time.Duration
	if remaining == 0 && r.wait > 0 {
		whole := min(int64(math.Ceil(r.wait.Seconds())), int64(maxReset/time.Second))
		wait = time.Duration(whole) * time.Second
		if seconds < 0 || seconds > int64(maxReset/time.Second) {
			seconds = whole
		}
	}
	if seconds == 0 { // it was rounded down
		seconds = 1
	}
	if remaining < 0 || remaining > maxRemaining || seconds < 0 || seconds > int64(maxReset/time.Second) {
		return message.Limit{}, false
	}
	return message.Limit{Remaining: int(remaining), Reset: time.Duration(seconds) * time.Second, Wait: wait}, true
}
