package main

import (
	"strings"
	"testing"
)

func TestRunAndCheckRefuseWhatTheFilesThatMayBeOpenDoNotSufficeFor(t *testing.T) {
	const says = "--concurrency: this needs 380 open files"
	for _, verb := range []string{"run", "check"} {
		emulate(t, goodQueues(t))
		c := newCommand(t)
		c.files = 64
		if verb == "run" {
			c.drain() // so that it ends, should it start
		}
		code := command(c.process, []string{
			verb, "--queue", "orders", "--target", untouched(t), "--concurrency", "300", "--listen", "127.0.0.1:0",
		})
		if said := c.out.String() + c.err.String(); code != 1 || !strings.Contains(said, says) {
			t.Errorf("%s ended with %d:\n%s", verb, code, said)
		}
	}
}
