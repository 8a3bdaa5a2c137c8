package receiver

import (
	"fmt"
	"net/http"
)

// A Problem is what is wrong with a request, and the status that says so.
type Problem struct {
	Status int
	Text   string
}

// Error is the sentence.
func (p *Problem) Error() string { return p.Text }

// malformed is a problem of the request's form.
func malformed(format string, args ...any) *Problem {
	return &Problem{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}
