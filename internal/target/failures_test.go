package target

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/sqs-poller/poller/internal/message"
)

// answerOf is what a target answers with a body.
func answerOf(header, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(body), header, body)
}

func TestAFunctionsAnswerMeansWhatLambdaSays(t *testing.T) {
	const id = "3b1b0c6e-0000-4000-8000-000000000001"
	one := func(id string) string { return `{"itemIdentifier":"` + id + `"}` }
	for name, test := range map[string]struct {
		header, body string
		outcome      message.Outcome
		reason       string
	}{
		"nothing":               {"", "", message.Delivered, "2xx"},
		"white space":           {"", " \r\n", message.Delivered, "2xx"},
		"null":                  {"", "null", message.Delivered, "2xx"},
		"an empty object":       {"", "{}", message.Delivered, "2xx"},
		"an empty list":         {"", `{"batchItemFailures":[]}`, message.Delivered, "2xx"},
		"a null list":           {"", `{"batchItemFailures":null}`, message.Delivered, "2xx"},
		"a word":                {"", `"done"`, message.Delivered, "2xx"},
		"a number":              {"", `-12.5e+3`, message.Delivered, "2xx"},
		"what it likes":         {"", `{"statusCode":200,"body":[true,false,{"a":["\u00e9"]}]} `, message.Delivered, "2xx"},
		"a list elsewhere":      {"", `{"x":{"batchItemFailures":[` + one(id) + `]}}`, message.Delivered, "2xx"},
		"the message":           {"", `{"batchItemFailures":[` + one(id) + `]}`, message.Failed, "item_failure"},
		"the message twice":     {"", `{"batchItemFailures":[` + one(id) + `,` + one(id) + `]}`, message.Failed, "item_failure"},
		"two lists":             {"", `{"batchItemFailures":[` + one(id) + `],"batchItemFailures":[]}`, message.Failed, "item_failure"},
		"escaped":               {"", `{"batchItemFailure\u0073":[{"x":1,"itemIdentifier":"\u0033` + id[1:] + `"}]}`, message.Failed, "item_failure"},
		"an empty id":           {"", `{"batchItemFailures":[` + one("") + `]}`, message.Failed, "invalid_answer"},
		"a null id":             {"", `{"batchItemFailures":[{"itemIdentifier":null}]}`, message.Failed, "invalid_answer"},
		"no id":                 {"", `{"batchItemFailures":[{"itemidentifier":"` + id + `"}]}`, message.Failed, "invalid_answer"},
		"an unknown id":         {"", `{"batchItemFailures":[` + one(id) + `,` + one("x") + `]}`, message.Failed, "invalid_answer"},
		"a long id":             {"", `{"batchItemFailures":[` + one(id+strings.Repeat("x", maxText)) + `]}`, message.Failed, "invalid_answer"},
		"an id that is no text": {"", `{"batchItemFailures":[{"itemIdentifier":7}]}`, message.Failed, "invalid_answer"},
		"entries that are text": {"", `{"batchItemFailures":["` + id + `"]}`, message.Failed, "invalid_answer"},
		"a list that is none":   {"", `{"batchItemFailures":{}}`, message.Failed, "invalid_answer"},
		"no JSON":               {"", "Task timed out after 3.00 seconds", message.Failed, "invalid_answer"},
		"half of it":            {"", `{"batchItemFailures":[`, message.Failed, "invalid_answer"},
		"more behind it":        {"", `{} {}`, message.Failed, "invalid_answer"},
		"a comma too much":      {"", `{"a":1,}`, message.Failed, "invalid_answer"},
		"6 MB and a byte":       {"", `"` + strings.Repeat("x", maxResponse-1) + `"`, message.Failed, "invalid_answer"},
		"just 6 MB":             {"", `"` + strings.Repeat("x", maxResponse-2) + `"`, message.Delivered, "2xx"},
		"10,000 deep":           {"", strings.Repeat("[", 10000) + strings.Repeat("]", 10000), message.Failed, "invalid_answer"},
		"1,000 deep":            {"", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), message.Delivered, "2xx"},
		"100,000 ids":           {"", `{"batchItemFailures":[` + strings.Repeat(one(id)+",", 100000) + one(id) + `]}`, message.Failed, "item_failure"},
		"100,000 others":        {"", `{"batchItemFailures":[` + strings.Repeat(one("y")+",", 100000) + one(id) + `]}`, message.Failed, "invalid_answer"},
		"an error":              {"X-Amz-Function-Error: Unhandled\r\n", `{"batchItemFailures":[]}`, message.Failed, "function_error"},
		"the emulator's error":  {"", `{"errorMessage":"boom","errorType":"KeyError","stackTrace":[]}`, message.Failed, "function_error"},
		"a list and an error":   {"", `{"errorMessage":"x","errorType":"y","batchItemFailures":[]}`, message.Delivered, "2xx"},
		"an error's word":       {"", `{"errorMessage":"x"}`, message.Delivered, "2xx"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: always(answerOf(test.header, test.body))}
				route, err := over(t, w, func(o *Options) { o.Format = "lambda" }).From(ordersARN)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the connection is as good as before
					got := route.Deliver(t.Context(), "orders", msg("x"))
					expect(t, got, test.outcome, 200, test.reason)
					if got.Err != nil && (strings.Contains(got.Err.Error(), "boom") || strings.Contains(got.Err.Error(), id)) {
						t.Errorf("the error repeats the answer: %v", got.Err)
					}
				}
			})
		})
	}
}

func TestAFunctionsAnswerThatIsCutOffIsBroken(t *testing.T) {
	for _, body := range []string{`{}`, `{"batchItemFailures":[`} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{answer: always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n" + body)}
			route, err := over(t, w, func(o *Options) { o.Format = "lambda" }).From(ordersARN)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, route.Deliver(t.Context(), "orders", msg("x")), message.Unavailable, 200, "broken_answer")
		})
	}
}

func TestReadingAnAnswerKeepsNothingOfIt(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 5<<20) + `","b":` + strings.Repeat("1", 1<<19) + `}`
	grown := uint64(math.MaxUint64)
	for range 5 { // goroutines of other tests allocate too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := readFailures(strings.NewReader(long), []string{"1"}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		grown = min(grown, after.TotalAlloc-before.TotalAlloc)
	}
	if grown > 64<<10 {
		t.Errorf("%d bytes", grown)
	}
}

// FuzzFailures compares with encoding/json what is JSON and who is named.
func FuzzFailures(f *testing.F) {
	for _, answer := range []string{
		"", "null", `{}`, `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b","x":[1e9,-0.5]}]}`,
		`{"batchItemFailures":[{"itemIdentifier":"\u0061"}]}`, `[[[[]]],{"a":{"b":"\\\""}}]`, `-`, `01`, `1.`, `1e`, `"\ud800"`, "\"\xff\"", `tru`,
		`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}`, `{"batchItemFailures":[],"batchItemFailures":[{"itemIdentifier":"b"}]}`,
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}`, `{"batchItemFailures":[{"itemIdentifier":""}]}`, `{"batchItemFailures":{}}`, `{"a":1,}`, `[1,]`, `{"errorType":"a","errorMessage":1}`, "\"\x00\"",
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		got, err := readFailures(iotest.OneByteReader(bytes.NewReader(answer)), []string{"a", "b"})
		trimmed := bytes.Trim(answer, " \t\r\n")
		isJSON := len(trimmed) == 0 || json.Valid(answer)
		switch {
		case errors.Is(err, errNotJSON) && isJSON:
			t.Fatalf("%q is JSON", answer)
		case err == nil && !isJSON:
			t.Fatalf("%q is no JSON", answer)
		case err != nil:
			if _, ok := errors.AsType[*invalidAnswer](err); !ok {
				t.Fatalf("%q: %v", answer, err)
			}
			return
		}
		var members map[string]json.RawMessage
		var entries []map[string]any
		if json.Unmarshal(answer, &members) != nil || json.Unmarshal(members["batchItemFailures"], &entries) != nil {
			return // not an object with a list
		}
		for _, one := range entries {
			if id := one["itemIdentifier"]; id == "a" && !got.failed[0] || id == "b" && !got.failed[1] {
				t.Fatalf("%q names %s", answer, id)
			}
		}
	})
}

func TestAnErrorOfTheConnectionIsNotTheAnswers(t *testing.T) {
	broken := errors.New("broken")
	for n := range 10 {
		in := io.MultiReader(strings.NewReader(`{"a":[1,"x"]}`[:n]), iotest.ErrReader(broken))
		if _, err := readFailures(in, []string{"1"}); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}
