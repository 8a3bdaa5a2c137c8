package main

import (
	"encoding/json"
	"io"
	"net/http"
)

// eventPath is where functions are invoked with events.
const eventPath = "/2015-03-31/functions/bench/invocations"

// tried is a message of a request.
type tried struct {
	ID     string
	Poison bool
}

// messagesOf reads a request: a message, or an event of several.
func messagesOf(r *http.Request) (all []tried, isEvent bool) {
	text, _ := io.ReadAll(r.Body)
	if r.URL.Path != eventPath {
		var said body
		_ = json.Unmarshal(text, &said)
		return []tried{{r.Header.Get("X-Poller-Message-Id"), said.Poison}}, false
	}
	var event struct {
		Records []struct {
			MessageID string `json:"messageId"`
			Body      string `json:"body"`
		}
	}
	_ = json.Unmarshal(text, &event)
	for _, m := range event.Records {
		var said body
		_ = json.Unmarshal([]byte(m.Body), &said)
		all = append(all, tried{m.MessageID, said.Poison})
	}
	return all, true
}

// answerOf is a function's answer to an event: it names those that are poison.
func answerOf(all []tried) string {
	type failure struct {
		ID string `json:"itemIdentifier"`
	}
	answer := struct {
		Failures []failure `json:"batchItemFailures"`
	}{[]failure{}}
	for _, m := range all {
		if m.Poison {
			answer.Failures = append(answer.Failures, failure{m.ID})
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return string(text)
}
