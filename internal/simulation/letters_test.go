package simulation

import (
	"encoding/json"
	"net/http"
)

// refusedLetters are the entries of a request that the dead-letter queue does not take, such as
// what is too large with the reason beside it. It refuses a message each time.
func (s *scenario) refusedLetters(c *sqsCall, request *wire) []wireFailure {
	if c.queue >= 0 || c.action != "SendMessageBatch" || s.wide == nil || !s.wide.lettersRefused {
		return nil
	}
	var failures []wireFailure
	for _, e := range request.Entries {
		if m := numberIn(e.MessageBody); m >= 0 && s.dice.of("letter", m).chance(0.3) {
			failures = append(failures, wireFailure{ID: e.ID, Code: "InvalidMessageContents", Message: "It is not taken.", SenderFault: true})
		}
	}
	return failures
}

// sendLetters makes a dead-letter queue take all but those that it refuses.
func sendLetters(body []byte, refused []wireFailure, send func(body []byte) answer) answer {
	var request map[string]any
	_ = json.Unmarshal(body, &request)
	is := make(map[string]bool)
	for _, f := range refused {
		is[f.ID] = true
	}
	var taken []any
	entries, _ := request["Entries"].([]any)
	for _, e := range entries {
		if one, _ := e.(map[string]any); !is[one["Id"].(string)] {
			taken = append(taken, e)
		}
	}
	a := answer{status: http.StatusOK, header: http.Header{}, body: []byte("{}")}
	if len(taken) > 0 {
		request["Entries"] = taken
		body, _ = json.Marshal(request)
		a = send(body)
	}
	if a.status != http.StatusOK {
		return a
	}
	var read map[string]any
	_ = json.Unmarshal(a.body, &read)
	failed, _ := read["Failed"].([]any)
	for _, f := range refused {
		failed = append(failed, f)
	}
	read["Failed"] = failed
	a.body, _ = json.Marshal(read)
	return a
}
