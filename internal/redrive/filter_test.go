package redrive

import (
	"testing"

	"github.com/sqs-poller/poller/internal/message"
)

func TestFiltersThatAreNoneSayWhatToWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"tenant=7":  "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
		"attr:=7":   "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
		"body~[a":   "invalid regular expression: error parsing regexp: missing closing ]: `[a`: see https://golang.org/s/re2syntax",
		"":          "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
		"body=text": "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
	} {
		if _, err := ParseFilter(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	has, err := ParseFilter("attr:tenant")
	with := &message.Message{Attributes: map[string]message.Attribute{"tenant": {StringValue: "9"}}}
	if err != nil || !has(with, 0) || has(&message.Message{}, 0) {
		t.Errorf("attr:tenant: %v", err)
	}
}
