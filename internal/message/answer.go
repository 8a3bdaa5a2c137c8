package message

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Answer is what a delivery got: the HTTP status of a complete answer, or else the reason
// why there was none.
type Answer struct {
	Status int
	Reason string
}

// Answer returns the result's answer.
func (r Result) Answer() Answer {
	if r.Status > 0 && strings.HasSuffix(r.Reason, "xx") {
		return Answer{Status: r.Status}
	}
	return Answer{Reason: r.Reason}
}

// answerWords are the reasons as people say them.
var answerWords = map[string]string{
	"timeout": "timed out", "canceled": "canceled", "reset": "connection reset", "broken_answer": "cut-off answer",
	"refused": "connection refused", "unreachable": "no route to host", "dns": "name not resolved", "tls": "TLS failed",
	"proxy": "proxy failed", "connect_timeout": "connecting timed out", "connect": "connection failed",
	"goaway": "GOAWAY", "refused_stream": "REFUSED_STREAM", "unsent": "connection closed before sending",
}

// String returns the answer in words, such as 404 or connection refused.
func (a Answer) String() string {
	switch words := answerWords[a.Reason]; {
	case a.Status > 0:
		return fmt.Sprint(a.Status)
	case words != "":
		return words
	default:
		return strings.ReplaceAll(a.Reason, "_", " ")
	}
}

// Answers counts answers.
type Answers map[Answer]int

// mostSaid is how many different answers a sentence names.
const mostSaid = 3

// String returns the most common answers and how many of all they are: 404 (5 of 5).
func (a Answers) String() string {
	all := 0
	for _, n := range a {
		all += n
	}
	kinds := make([]Answer, 0, len(a))
	for answer := range a {
		kinds = append(kinds, answer)
	}
	slices.SortFunc(kinds, func(x, y Answer) int {
		return cmp.Or(cmp.Compare(a[y], a[x]), cmp.Compare(x.Status, y.Status), cmp.Compare(x.Reason, y.Reason))
	})
	said := make([]string, 0, mostSaid)
	for _, answer := range kinds[:min(len(kinds), mostSaid)] {
		said = append(said, fmt.Sprintf("%s (%d of %d)", answer, a[answer], all))
	}
	return strings.Join(said, ", ")
}
