package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// MaxRequestBytes is SQS's limit of a message.
const MaxRequestBytes = 1 << 20

// Send puts a body on the queue and returns the message's id.
type Send func(ctx context.Context, body string) (id string, err error)

// FrontDoor is the asynchronous API: POST /example is answered with 202 and the
// message's id as soon as the body is on the queue, byte for byte.
type FrontDoor struct {
	send     Send
	mux      *http.ServeMux
	accepted atomic.Int64
}

// NewFrontDoor makes a front door to a queue.
func NewFrontDoor(send Send) *FrontDoor {
	f := &FrontDoor{send: send, mux: http.NewServeMux()}
	f.mux.HandleFunc("POST /example", f.example)
	f.mux.HandleFunc("/example", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", http.MethodPost)
		say(w, http.StatusMethodNotAllowed, "Send it with POST.")
	})
	f.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusNotFound, "There is POST /example and nothing else.")
	})
	return f
}

// Accepted is how many requests were answered with 202.
func (f *FrontDoor) Accepted() int64 { return f.accepted.Load() }

// ServeHTTP answers one request.
func (f *FrontDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

func (f *FrontDoor) example(w http.ResponseWriter, r *http.Request) {
	if !isJSON(r.Header.Get("Content-Type")) {
		say(w, http.StatusUnsupportedMediaType, "The body has to be JSON: send it with the header Content-Type: application/json.")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		say(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes.", MaxRequestBytes))
		return
	}
	if err != nil || len(body) == 0 || !utf8.Valid(body) || strings.ContainsFunc(string(body), notInSQS) {
		say(w, http.StatusBadRequest, "The body has to be JSON, and not empty.")
		return
	}
	id, err := f.send(r.Context(), string(body))
	if err != nil {
		say(w, http.StatusBadGateway, "The queue did not take the message: send it again.")
		return
	}
	f.accepted.Add(1)
	reply(w, http.StatusAccepted, map[string]string{"messageId": id})
}

// isJSON takes a request without a Content-Type for JSON, as an API Gateway does.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}

// notInSQS are the characters that SQS refuses in a body.
func notInSQS(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == '\uFFFE' || c == '\uFFFF'
}

func say(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"message": message})
}

func reply(w http.ResponseWriter, status int, answer map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
