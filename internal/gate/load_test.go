package gate_test

import "testing"

func TestAnAnswerSaysSomethingAboutLoadOnlyThroughAnOpenGate(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		script string // after which z is tried
		says   bool
	}{
		{"starting", false},
		{"o:ok open", true},
		{"o:ok open abcde:500 wary +1s", true}, // the few that are tried may be a crowd's
		{toClosed + "probe", false},
		{toClosed + "probe a:ok half_open", false},
	} {
		r := play(t, one.script)
		r.enter("z")
		if !r.seat.Begin(r.now, r.hand["z"]) {
			t.Fatalf("%s: it may not be tried", one.script)
		}
		if says, _ := r.seat.Load(r.hand["z"]); says != one.says {
			t.Errorf("%s: says something: %v", one.script, says)
		}
	}
}

func TestAClosingIsCounted(t *testing.T) {
	t.Parallel()
	r := play(t, toClosed)
	r.enter("z")
	if _, closings := r.seat.Load(r.hand["z"]); closings != 1 {
		t.Errorf("the gate has closed %d times, want 1", closings)
	}
}
