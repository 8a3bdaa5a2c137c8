package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Control is what the control API needs. Without it the port is read-only.
type Control struct {
	// Token returns the token that requests must carry. Its error says why there is none
	// at the moment; then no request is allowed.
	Token func() (string, error)
	// Apply carries out a change and returns, in words, what it changed. Its error is the
	// caller's fault and says what to write instead, unless it is an UnavailableError.
	Apply func(ctx context.Context, now time.Time, c Change) (changed []string, err error)
}

// UnavailableError is why a change that makes sense could not be made.
type UnavailableError struct{ What string }

// Error implements error.
func (e *UnavailableError) Error() string { return e.What }

// Change is what an operator asks for. Its text fields come from a request.
type Change struct {
	// Action is pause, resume or pace.
	Action string `json:"-"`
	// Target is a target's name; empty means all.
	Target string `json:"target"`
	// Rate and Concurrency are the limits to pin; empty and nil pin none.
	Rate        string `json:"rate"`
	Concurrency *int   `json:"concurrency"`
	// For is how long it lasts; empty means until it is lifted.
	For string `json:"for"`
	// By is who asks, as the caller says.
	By string `json:"by"`
	// Reset lifts a pace, and not a pause.
	Reset bool `json:"reset"`
	// Fleet means all replicas that share the target's budget on a coordinator.
	Fleet bool `json:"fleet"`
	// From is the address that the request came from.
	From string `json:"-"`
}

const (
	maxChange  = 4 << 10 // bytes of a request
	refusedLog = time.Minute
)

// control is the control API: POST /-/pause, /-/resume and /-/pace.
type control struct {
	Control
	logger *slog.Logger
	origin *http.CrossOriginProtection

	mu      sync.Mutex // guards what follows
	said    time.Time  // when the log last had a refusal
	refused int        // refusals since then
	last    []any      // what the log says of the last of them
}

func newControl(c Control, logger *slog.Logger) *control {
	return &control{Control: c, logger: logger, origin: http.NewCrossOriginProtection()}
}

// handle adds the API to mux.
func (c *control) handle(mux *http.ServeMux) {
	for _, action := range []string{"pause", "resume", "pace"} {
		mux.HandleFunc("POST /-/"+action, func(w http.ResponseWriter, r *http.Request) { c.answer(w, r, action) })
	}
}

// answer carries out a request: a browser's only from the page itself, and anybody's only
// with the token.
func (c *control) answer(w http.ResponseWriter, r *http.Request, action string) {
	if err := c.origin.Check(r); err != nil {
		c.say(r, "it came from a page of another origin")
		http.Error(w, "refused: a page of another origin may not do this", http.StatusForbidden)
		return
	}
	if why := c.refuses(r); why != "" {
		c.say(r, why)
		w.Header().Set("WWW-Authenticate", `Bearer realm="poller"`)
		http.Error(w, "refused: send the token of --control-token as Authorization: Bearer TOKEN", http.StatusUnauthorized)
		return
	}
	change, status, err := readChange(w, r)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	change.Action, change.From = action, r.RemoteAddr
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		change.From = host
	}
	changed, err := c.Apply(r.Context(), time.Now(), change)
	if unavailable, is := errors.AsType[*UnavailableError](err); is {
		http.Error(w, unavailable.What, http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string][]string{"changed": append([]string{}, changed...)})
}

// refuses returns why the request's token is not accepted, or nothing. How long it takes
// says nothing about the token.
func (c *control) refuses(r *http.Request) string {
	token, err := c.Token()
	if err != nil {
		return "the control token is not known: " + err.Error()
	}
	given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	is, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	switch {
	case subtle.ConstantTimeCompare(is[:], want[:]) == 1 && token != "":
		return ""
	case !found:
		return "it had no token"
	default:
		return "it had a wrong token"
	}
}

// readChange reads a request's JSON; an empty body is an empty change.
func readChange(w http.ResponseWriter, r *http.Request) (Change, int, error) {
	var c Change
	// A form is what a page elsewhere could send without asking.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return c, http.StatusUnsupportedMediaType, errors.New("send JSON with Content-Type: application/json")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxChange))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&c)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return c, http.StatusRequestEntityTooLarge, fmt.Errorf("the request is longer than %d bytes", maxChange)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return c, http.StatusBadRequest, errors.New("not the JSON expected: an object with target, rate, concurrency, reset, for, by and fleet, " +
			`such as {"rate": "10/s", "for": "30m", "by": "ada"}`)
	}
	return c, 0, nil
}

// say logs a refusal, at most one a minute.
func (c *control) say(r *http.Request, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused++
	c.last = []any{slog.String("path", r.URL.Path), slog.String("reason", why), slog.String("from", r.RemoteAddr)}
	c.sayRest(time.Now())
}

// rest logs the refusals that the log does not have yet, a minute after its last line.
func (c *control) rest(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused > 0 {
		c.sayRest(now)
	}
}

func (c *control) sayRest(now time.Time) {
	if !c.said.IsZero() && now.Sub(c.said) < refusedLog {
		return
	}
	c.logger.Warn("a control request was refused", append(c.last, slog.Int("refused", c.refused))...)
	c.said, c.refused = now, 0
}
