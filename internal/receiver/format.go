package receiver

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Format is how requests are read. The zero value reads nothing.
type Format string

// A Message is one of those that a request delivers.
type Message struct {
	ID string
	// SentAt is when it was sent, or the zero time if the request does not say.
	SentAt time.Time
}

// A Delivery is what a request delivers.
type Delivery struct {
	Messages []Message
	// Named reports whether the answer can name those that failed.
	Named bool
}

// reader reads a request. body is the whole of it.
type reader func(r *http.Request, body []byte) (Delivery, *Problem)

// compiled returns an expression that is compiled at its first use: poller run, whose memory is
// counted, never needs it.
func compiled(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

var formats = map[Format]reader{
	"raw": readRaw, "sqsd": readSqsd, "lambda": readLambda, "cloudevents": readCloudEvents, "webhook": readWebhook,
}

// UnmarshalText parses a format's name.
func (f *Format) UnmarshalText(text []byte) error {
	if formats[Format(text)] == nil {
		return fmt.Errorf("unknown format: use %s", formatNames())
	}
	*f = Format(text)
	return nil
}

func formatNames() string {
	names := slices.Sorted(maps.Keys(formats))
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = string(name)
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// Read reads a request whose body is given.
func (f Format) Read(r *http.Request, body []byte) (Delivery, *Problem) {
	if r.Method != http.MethodPost {
		return Delivery{}, &Problem{http.StatusMethodNotAllowed, "the method is not POST"}
	}
	if r.Header.Get("Content-Type") == "" {
		return Delivery{}, malformed("the Content-Type header is missing")
	}
	return formats[f](r, body)
}

// Answer answers a delivery of which the messages with the given ids have failed. status is
// for one that has succeeded.
func (d Delivery) Answer(w http.ResponseWriter, status int, failed []string) {
	if !d.Named {
		if len(failed) > 0 {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		return
	}
	type failure struct {
		ItemIdentifier string `json:"itemIdentifier"`
	}
	answer := struct {
		BatchItemFailures []failure `json:"batchItemFailures"`
	}{[]failure{}}
	for _, id := range failed {
		answer.BatchItemFailures = append(answer.BatchItemFailures, failure{id})
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
