package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestAFileOfOneQueueMayBeFlat(t *testing.T) {
	flat := mustLoad(t, input{file: `queue: orders
target: http://localhost/
rate: 28/s
visibility_timeout: 1m
headers: {X-A: b}
drain_timeout: 20s
`})
	nested := mustLoad(t, input{file: `queues:
- queue: orders
  visibility_timeout: 1m
targets:
  default:
    url: http://localhost/
    rate: 28/s
    headers: {X-A: b}
drain_timeout: 20s
`})
	if !reflect.DeepEqual(flat, nested) {
		t.Errorf("\nflat   %+v\nnested %+v", flat, nested)
	}
	mustLoad(t, input{file: "queue: orders\n", args: "--target http://localhost/"})
	mustLoad(t, input{file: "queue: orders\ntargets: {crm: {url: http://localhost/}}\n"})
}

func TestEverythingThatIsWrongInAFileIsSaidAtOnce(t *testing.T) {
	for file, want := range map[string]string{
		"queue: orders\ntraget: http://localhost/\nrate: 28/x\nrat: 1\nlog: {lvel: info}\nnothing_like_it: 1\n": "traget at line 2 of poller.yaml: unknown key: did you mean target?; " +
			`rate at line 3 of poller.yaml: invalid rate "28/x": use 28/s, 1000/m or 50000/h; ` +
			"rat at line 4 of poller.yaml: unknown key: did you mean rate?; " +
			"log.lvel at line 5 of poller.yaml: unknown key: did you mean level?; " +
			"nothing_like_it at line 6 of poller.yaml: unknown key: the keys are in docs/settings.md",
		strings.Replace(ok, "- queue: orders", "- queue: orders\n  wait: 3", 1) + "    burts: 2\n    timeot: 5s\n": "queues[0].wait at line 3 of poller.yaml: unknown key: use " +
			"queue, target, visibility_timeout, gather, wait_time, weight or fifo_strict; targets.orders.burts at line 7 of poller.yaml: unknown key: did you mean burst?; " +
			"targets.orders.timeot at line 8 of poller.yaml: unknown key: did you mean timeout?",
		ok + "rate: 1/s\nqueue: invoices\n": "queue at line 7 of poller.yaml: the file has queues too: move this key into an entry there; " +
			"rate at line 6 of poller.yaml: the file has targets too: move this key into an entry there",
	} {
		if _, _, err := load(t, input{file: file}); err == nil || err.Error() != want {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
	}
}

func TestAFileWrittenOnWindowsIsRead(t *testing.T) {
	c := mustLoad(t, input{file: "\ufeffqueue: orders\r\ntarget: http://localhost/\r\nrate: 28/s\r\n"})
	if c.Queues[0].Queue != "orders" || c.Targets["default"].Rate.PerSecond != 28 {
		t.Errorf("%+v", c)
	}
}
