package target

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sqs-poller/poller/internal/message"
)

// documented reads a page's table of answers: the outcome of each.
func documented(t *testing.T, page, head string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("docs/%s has no table that begins with %s", page, head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	cell := regexp.MustCompile("`([a-z0-9_]+)`")
	all := make(map[string]string)
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) < 4 {
			continue
		}
		outcome := cell.FindStringSubmatch(cells[2])
		if outcome == nil {
			continue // the heading
		}
		for _, answer := range cell.FindAllStringSubmatch(cells[1], -1) {
			if before, twice := all[answer[1]]; twice {
				t.Errorf("docs/%s has %s twice: %s and %s", page, answer[1], before, outcome[1])
			}
			all[answer[1]] = outcome[1]
		}
	}
	return all
}

func TestTheDocsSayWhatTheCodeDoes(t *testing.T) {
	docs := documented(t, "outcomes.md", "| answer |")
	for answer, outcome := range docs {
		if status, err := strconv.Atoi(answer); err == nil {
			if v, known := verdictOf(status, exceptions); !known || v.outcome.String() != outcome {
				t.Errorf("the docs say %s of %d, the code %s", outcome, status, v.outcome)
			}
		}
	}
	for status := 200; status < 600; status++ {
		v, _ := verdictOf(status, exceptions)
		outcome, named := docs[strconv.Itoa(status)]
		if !named {
			outcome = docs[fmt.Sprintf("%dxx", status/100)]
		}
		if v.outcome.String() != outcome {
			t.Errorf("the code says %s of %d, the docs %q", v.outcome, status, outcome)
		}
	}
	for reason, outcome := range breaks {
		if docs[reason] != outcome.String() {
			t.Errorf("the code says %s of %s, the docs %q", outcome, reason, docs[reason])
		}
	}
	for answer := range docs {
		if _, err := strconv.Atoi(answer); err != nil && !slices.Contains(Reasons(), answer) {
			t.Errorf("the docs know %s, the code does not", answer)
		}
	}
}

func TestTheDocsSayWhatTheAnswersToEachFormatMean(t *testing.T) {
	functions := documented(t, "targets.md", "| answer to `lambda` |")
	for status := 200; status < 600; status++ {
		for name, f := range formats {
			v, _ := verdictOf(status, f.exceptions())
			want, _ := verdictOf(status, exceptions)
			outcome := want.outcome.String()
			if differs, ok := functions[strconv.Itoa(status)]; ok && name == "lambda" {
				outcome = differs
				if outcome == want.outcome.String() {
					t.Errorf("docs/targets.md has %d as an exception, and it is none", status)
				}
			}
			if v.outcome.String() != outcome {
				t.Errorf("%s: the code says %s of %d, the docs %s", name, v.outcome, status, outcome)
			}
		}
	}
	for reason, outcome := range answered {
		if functions[reason] != outcome.String() {
			t.Errorf("the code says %s of %s, the docs %q", outcome, reason, functions[reason])
		}
	}
	for answer := range functions {
		if _, err := strconv.Atoi(answer); err != nil && answered[answer] == 0 {
			t.Errorf("the docs know %s, the code does not", answer)
		}
	}
	text, err := os.ReadFile("../../docs/targets.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Formats() {
		if !strings.Contains(string(text), "\n| `"+name+"` |") {
			t.Errorf("docs/targets.md has no row for the format %s", name)
		}
	}
}

func TestEachStatusComesToWhatTheDesignSays(t *testing.T) {
	want := func(status int) message.Outcome {
		switch {
		case slices.Contains([]int{401, 403, 404, 405, 407, 421}, status):
			return message.Failed
		case slices.Contains([]int{502, 503, 504, 408, 425}, status):
			return message.Unavailable
		case status == 429:
			return message.Throttled
		case status < 300:
			return message.Delivered
		case status < 400: // redirects are never followed
			return message.Failed
		case status < 500:
			return message.Rejected
		default:
			return message.Failed
		}
	}
	for status := 200; status < 600; status++ {
		synctest.Test(t, func(t *testing.T) {
			got := deliver(t, fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", status))
			expect(t, got, want(status), status, fmt.Sprintf("%dxx", status/100))
			if refused := status/100 == 3 || slices.Contains([]int{401, 403, 404, 405, 407, 421}, status); got.Refused != refused {
				t.Errorf("%d: refused is %v", status, got.Refused)
			}
		})
	}
}

func TestOnlyWhatRejectsAMessageRejects(t *testing.T) {
	for _, answer := range []string{"4xx", "400", "409", "422", "499"} {
		if !Rejects(answer) {
			t.Errorf("%s does not reject", answer)
		}
	}
	for _, answer := range append(slices.DeleteFunc(Reasons(), func(reason string) bool { return reason == "4xx" }),
		"", "4x", "4XX", "teapot", "200", "404", "429", "500", "503", "0422", "+422", "-422", "42", "4220") {
		if Rejects(answer) {
			t.Errorf("%s rejects", answer)
		}
	}
}

func TestReasonsAreAllThatAResultMayHave(t *testing.T) {
	want := []string{
		"2xx", "3xx", "4xx", "5xx", "broken_answer", "canceled", "connect", "connect_timeout", "credentials",
		"dns", "function_error", "goaway", "invalid_answer", "item_failure", "proxy", "refused", "refused_stream", "reset", "timeout", "tls", "token", "token_refused",
		"unreachable", "unsent",
	}
	if got := Reasons(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for reason, outcome := range breaks {
		if outcome == message.Connection && connectWords[reason] == "" && notProcessed[reason] == "" && unsigned[reason] == "" {
			t.Errorf("%s has no words", reason)
		}
	}
}
