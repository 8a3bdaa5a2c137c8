package demo_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

func TestAQuotaIsCountedByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := demo.NewSink(demo.SinkOptions{Quota: demo.Limit{N: 2, Per: time.Minute}})
		<-time.After(50 * time.Second)
		for _, want := range []int{200, 200, 429} {
			wantStatus(t, sink, want)
		}
		<-time.After(10 * time.Second) // another minute begins
		for _, want := range []int{200, 200, 429} {
			wantStatus(t, sink, want)
		}
		if s := sink.Stats(); s.Refused["quota"] != 2 || s.Overrun() != 2 || s.Accepted != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTheSinkSaysWhatIsLeft(t *testing.T) {
	for saying, want := range map[demo.Saying][2]map[string]string{
		"ietf": {
			{"Ratelimit": `"default";r=1;t=50`, "Ratelimit-Policy": `"default";q=2;w=60`},
			{"Ratelimit": `"default";r=0;t=50`},
		},
		"x":     {{"X-Ratelimit-Remaining": "1", "X-Ratelimit-Reset": "946684860", "X-Ratelimit-Limit": "2"}, {"X-Ratelimit-Remaining": "0"}},
		"old":   {{"Ratelimit-Remaining": "1", "Ratelimit-Reset": "50", "Ratelimit-Limit": "2"}, {"Ratelimit-Remaining": "0"}},
		"retry": {{"Retry-After": ""}, {"Retry-After": "50"}},
		"":      {{"Ratelimit": "", "Retry-After": ""}, {"Ratelimit": "", "Retry-After": ""}},
	} {
		synctest.Test(t, func(t *testing.T) {
			sink := demo.NewSink(demo.SinkOptions{Quota: demo.Limit{N: 2, Per: time.Minute}, Saying: saying})
			<-time.After(10 * time.Second)
			first := post(t.Context(), sink, "")
			wantStatus(t, sink, http.StatusOK)
			last := post(t.Context(), sink, "")
			for i, answer := range []http.Header{first.Header(), last.Header()} {
				for name, value := range want[i] {
					if got := answer.Get(name); got != value {
						t.Errorf("%s, answer %d: %s is %q, not %q", saying, i+1, name, got, value)
					}
				}
			}
		})
	}
}
