package queue

import (
	"net/http"
	"testing"
	"time"
)

func TestAClockThatIsSetIsKnownByTheNextResponse(t *testing.T) {
	var c clock
	now := time.Now()
	respond := func(theirs time.Time) {
		header := http.Header{"Date": {theirs.UTC().Format(http.TimeFormat)}}
		c.note(now.Add(-10*time.Millisecond), now, header)
		now = now.Add(20 * time.Second)
	}
	for range 12 {
		respond(now)
	}
	if is := c.now(); is != 0 {
		t.Fatalf("the offset is %v", is)
	}
	// Our wall clock goes back by ten minutes: the last response came later by it than now.
	c.wall = c.wall.Add(10 * time.Minute)
	respond(now.Add(10 * time.Minute))
	if is := c.now(); (is - 10*time.Minute).Abs() > clockNoise {
		t.Errorf("the offset is %v after one response", is)
	}
	respond(now.Add(10 * time.Minute))
	if is := c.now(); (is - 10*time.Minute).Abs() > clockNoise {
		t.Errorf("the offset is %v after two", is)
	}
	respond(now) // one response is no proof that the clocks agree again
	if is := c.now(); is == 0 {
		t.Error("one response of three is believed")
	}
}
