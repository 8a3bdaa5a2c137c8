package main

import (
	"strings"
	"testing"
)

func TestDrainShowsItsProgressOnATerminalAlone(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		w, c := newWorld(t), newCommand(t)
		close(w.answer)
		c.terminal = terminal
		w.send(t, "one")
		code := c.begin("drain", "--queue", "orders", "--target", w.target, "--listen", "127.0.0.1:0", "--idle", "2s")
		if got := <-code; got != 0 {
			t.Errorf("exit code %d\n%s", got, c.err)
		}
		out := c.out.String()
		switch {
		case terminal && (!strings.Contains(out, "in hand 1  delivered 0  ") || !strings.HasSuffix(out, clearLine+"queue 0  in hand 0  delivered 1\n")):
			t.Errorf("a terminal shows %q", out)
		case !terminal && out != "":
			t.Errorf("what is no terminal shows %q", out)
		}
	}
}

func TestADrainThatIsStoppedEndsWithWhatIsLeft(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	c.terminal, c.interactive = true, true
	for range 20 {
		w.send(t, "one")
	}
	code := c.begin("drain", "--queue", "orders", "--target", w.target, "--listen", "127.0.0.1:0", "--concurrency", "1")
	<-w.bodies
	c.waitForOut(t, "delivered 0  ")
	c.drain()
	c.waitFor(t, "draining")
	close(w.answer)
	if got := <-code; got != codeTimeRanOut {
		t.Errorf("exit code %d\n%s", got, c.err)
	}
	if out := c.out.String(); !strings.HasSuffix(out, clearLine+"queue 19  in hand 0  delivered 1\n") {
		t.Errorf("the terminal shows %q", out)
	}
}

func TestDrainRefusesTimesThatAreNone(t *testing.T) {
	newWorld(t)
	for _, tt := range []struct{ flag, value, want string }{
		{"--idle", "0s", "--idle: 0s is not over 0s: use a value such as 5s"},
		{"--max-duration", "-1s", "--max-duration: -1s is below 0s: use a value such as 10m, or omit it"},
	} {
		c := newCommand(t)
		c.interactive = true
		code := c.begin("drain", "--queue", "orders", "--target", "http://127.0.0.1:1/", tt.flag+"="+tt.value)
		if got := <-code; got != 1 {
			t.Errorf("%s %s: exit code %d", tt.flag, tt.value, got)
		}
		if text := c.err.String(); text != "poller: error: "+tt.want+"\n" {
			t.Errorf("%s %s: said %q", tt.flag, tt.value, text)
		}
	}
}
