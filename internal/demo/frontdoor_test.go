package demo_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/demo"
)

func TestTheFrontDoorAnswersAsAnAsynchronousAPIDoes(t *testing.T) {
	t.Parallel()
	var sent []string
	queueIsWell := true
	door := demo.NewFrontDoor(func(_ context.Context, body string) (string, error) {
		if !queueIsWell {
			return "", errors.New("no")
		}
		sent = append(sent, body)
		return "id-1", nil
	})
	for _, c := range []struct {
		name, method, path, contentType, body string
		want                                  int
		answer                                string
	}{
		{"taken", "POST", "/example", "application/json", ` {"a": "ä"}` + "\n", 202, `{"messageId":"id-1"}`},
		{"with a charset", "POST", "/example", "application/json; charset=utf-8", `1`, 202, `{"messageId":"id-1"}`},
		{"without a type", "POST", "/example", "", `2`, 202, `{"messageId":"id-1"}`},
		{"a form", "POST", "/example", "application/x-www-form-urlencoded", `a=b`, 415, "Content-Type: application/json"},
		{"as large as may be", "POST", "/example", "application/json", strings.Repeat("1", demo.MaxRequestBytes), 202, "id-1"},
		{"too large", "POST", "/example", "application/json", strings.Repeat("1", demo.MaxRequestBytes+1), 413, "1048576"},
		{"empty", "POST", "/example", "application/json", ``, 400, "empty"},
		{"not UTF-8", "POST", "/example", "application/json", "\xff", 400, "JSON"},
		{"control characters", "POST", "/example", "application/json", "\x00", 400, "JSON"},
		{"another method", "GET", "/example", "", ``, 405, "POST"},
		{"another path", "POST", "/", "application/json", `1`, 404, "POST /example"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		before := len(sent)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.answer) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if taken := len(sent) > before; taken != (c.want == http.StatusAccepted) || taken && sent[before] != c.body {
			t.Errorf("%s: sent %v", c.name, taken)
		}
	}
	if door.Accepted() != int64(len(sent)) {
		t.Errorf("%d accepted, %d sent", door.Accepted(), len(sent))
	}

	queueIsWell = false
	w := httptest.NewRecorder()
	door.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/example", strings.NewReader("1")))
	if w.Code != http.StatusBadGateway {
		t.Errorf("answer %d while the queue is ill", w.Code)
	}
}
