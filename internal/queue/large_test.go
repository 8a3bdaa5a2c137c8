package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// largeAnswer returns an answer of n messages with bodies of that size.
func largeAnswer(n, size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Messages":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"MessageId":"%d","ReceiptHandle":"h","Body":"\"%s"}`, i, strings.Repeat("x", size-1))
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

func TestAnAnswerIsAdmittedByItsSizeBeforeItIsRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		n, size int
		length  bool
		want    func(length int) []int
	}{
		{"small", 10, 10_000, true, func(int) []int { return nil }},
		{"over 128 KiB", 10, 20_000, true, func(n int) []int { return []int{2 * n} }},
		{"ten of 1 MiB", 10, 1 << 20, true, func(n int) []int { return []int{n + window} }},
		{"small, of unknown length", 10, 10_000, false, func(int) []int { return nil }},
		{"two of 1 MiB, of unknown length", 2, 1 << 20, false, func(int) []int { return []int{smallAnswer + 2*window} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := largeAnswer(test.n, test.size)
			body := bytes.NewReader(text)
			answer := &http.Response{Body: io.NopCloser(body), ContentLength: int64(len(text))}
			if !test.length {
				answer.ContentLength = -1
			}
			var got []int
			messages, err := new(wire).messages(t.Context(), answer, func(_ context.Context, n int) {
				if read := len(text) - body.Len(); read > smallAnswer+window {
					t.Errorf("%d bytes were read before the answer was admitted", read)
				}
				if len(got) == 0 || n > got[len(got)-1]+2*window { // what is taken without waiting is no admission
					got = append(got, n)
				}
			})
			if err != nil || len(messages) != test.n {
				t.Fatalf("%d messages, %v", len(messages), err)
			}
			for i, m := range messages {
				if m.ID != fmt.Sprint(i) || len(m.Body) != test.size || m.Body[0] != '"' {
					t.Fatalf("message %d is %s of %d bytes", i, m.ID, len(m.Body))
				}
			}
			if want := test.want(len(text)); len(got) < len(want) || !slices.Equal(got[:len(want)], want) || len(want) == 0 && len(got) > 0 {
				t.Errorf("admitted %d, want %d", got, want)
			}
			if body.Len() > 0 {
				t.Errorf("%d bytes are left, so the connection cannot be used again", body.Len())
			}
		})
	}
}

func TestALargeAnswerThatBreaksOffIsNetwork(t *testing.T) {
	t.Parallel()
	text := largeAnswer(3, 1<<20)
	broken := errors.New("reset")
	for _, at := range []int{0, 1000, len(text) / 2, len(text) - 10} {
		body := io.MultiReader(bytes.NewReader(text[:at]), iotest.ErrReader(broken))
		_, err := new(wire).messages(t.Context(), &http.Response{Body: io.NopCloser(body), ContentLength: int64(len(text))}, nil)
		if !errors.Is(err, broken) {
			t.Errorf("broken off after %d bytes: %v", at, err)
		}
	}
	if _, err := new(wire).messages(t.Context(), &http.Response{Body: io.NopCloser(bytes.NewReader(text[:1000])), ContentLength: -1}, nil); !errors.Is(err, errNotSQS) {
		t.Errorf("a part of an answer: %v", err)
	}
}

// zeros is an answer that never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestAnAnswerThatIsTooLongIsNotRead(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{-1, maxAnswer + 1} {
		body := io.MultiReader(strings.NewReader(`{"Messages":[{"Body":"`), zeros{})
		_, err := new(wire).messages(t.Context(), &http.Response{Body: io.NopCloser(body), ContentLength: length}, nil)
		if !errors.Is(err, errAnswerTooLong) {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

func TestALargeAnswerIsInMemoryMessageByMessage(t *testing.T) {
	text := largeAnswer(10, 1<<20)
	allocated := uint64(math.MaxUint64)
	for range 5 { // others allocate too, once in a while
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := new(wire).messages(t.Context(), &http.Response{Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text))}, nil)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
	}
	if most := uint64(len(text) + 2*window); allocated > most {
		t.Errorf("%d bytes are allocated for an answer of %d", allocated, len(text))
	}
}
