package demo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/demo"
	"github.com/sqs-poller/poller/internal/receiver"
)

// events posts a batch of events with the given ids.
func events(h http.Handler, ids ...string) *httptest.ResponseRecorder {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"t"}`, id))
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("["+strings.Join(all, ",")+"]"))
	r.Header.Set("Content-Type", "application/cloudevents-batch+json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func share(t *testing.T, text string) demo.Share {
	t.Helper()
	var s demo.Share
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSameMessagesFailEachTime(t *testing.T) {
	t.Parallel()
	sink := demo.NewSink(demo.SinkOptions{Format: "cloudevents", Fail: share(t, "30%")})
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprintf("a0c4f0b2-%d", i))
	}
	first, again := events(sink, ids...), events(sink, ids...)
	failed := strings.Count(first.Body.String(), "itemIdentifier")
	if first.Code != 200 || first.Body.String() != again.Body.String() || failed < 15 || failed > 45 {
		t.Errorf("answer %d: %d failed", first.Code, failed)
	}
	s := sink.Stats()
	if s.Accepted != 2 || s.Failed != int64(2*failed) || s.Messages != int64(200-2*failed) || s.Duplicates != int64(100-failed) {
		t.Errorf("counts %+v", s)
	}
}

func TestAMessageThatFailsAloneIsAnswered500(t *testing.T) {
	t.Parallel()
	sink := demo.NewSink(demo.SinkOptions{Fail: share(t, "100%")})
	if got := post(t.Context(), sink, "m-1").Code; got != http.StatusInternalServerError {
		t.Errorf("answer %d", got)
	}
	wantStatus(t, sink, http.StatusOK) // it has no id
	if s := sink.Stats(); s.Accepted != 1 || s.Failed != 1 || s.Messages != 1 || s.AtOnce != 0 {
		t.Errorf("counts %+v", s)
	}
}

func TestWhatIsWrongWithARequestIsToldAndCounted(t *testing.T) {
	t.Parallel()
	var told []string
	denied := &receiver.Problem{Status: http.StatusForbidden, Text: "no"}
	verify := []receiver.Verifier{func(r *http.Request, body []byte) *receiver.Problem {
		if strings.Contains(string(body), "forged") {
			return denied
		}
		return nil
	}}
	sink := demo.NewSink(demo.SinkOptions{
		Format: "cloudevents", Verify: verify, Capacity: 1, Wrong: func(problem string) { told = append(told, problem) },
	})
	for id, want := range map[string]int{"m-1": 200, "": 400, "forged": 403} {
		if got := events(sink, id); got.Code != want {
			t.Errorf("%q: answer %d", id, got.Code)
		}
	}
	slices.Sort(told)
	if want := []string{"an event has no id", "no"}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	if s := sink.Stats(); s.Accepted != 1 || s.Messages != 1 || s.Wrong() != 2 || s.Overrun() != 0 || s.RefusedInAll() != 2 || s.AtOnce != 0 {
		t.Errorf("counts %+v", s)
	}
}

func TestAShareIsAPercentage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"3", "-1%", "101%", "NaN%", "%", ""} {
		var s demo.Share
		if err := s.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "such as 3%") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
