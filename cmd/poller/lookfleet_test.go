package main

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

func TestCheckLooksAtTheFleetsCoordinator(t *testing.T) {
	emulate(t, goodQueues(t))
	m := miniredis.RunT(t)
	address := m.Addr()
	check := func(more ...string) (string, error) {
		t.Helper()
		out, _, err := ran[checkCmd](t, "", append([]string{
			"--queue", "orders", "--target", untouched(t), "--fleet-redis", "redis://" + address, "--fleet-name", "budget",
		}, more...)...)
		return out, err
	}
	out, err := check("--rate", "28/s", "--fleet-replicas", "4")
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"fleet budget: redis://" + address + " is reached, and allows every command that the script of budget budget calls",
		"and a token may be used for 71ms", "no replica uses this budget now",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out, _ = check("--rate", "6/m", "--fleet-replicas", "11")
	for _, want := range []string{"of up to 11 replicas 1 have no slot", "may be used for 10s: the first start"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out, _ := check(); !strings.Contains(out, "without the coordinator everything stops after 5 min") {
		t.Errorf("%s", out)
	}
	m.Close()
	if out, err := check("--rate", "28/s"); err == nil || !strings.Contains(out, "error ") || !strings.Contains(out, "Redis cannot be reached") {
		t.Errorf("%v\n%s", err, out)
	}
}
