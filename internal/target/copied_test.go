package target

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/message"
)

func TestTheLengthInJSONIsThatOfTheEncoder(t *testing.T) {
	for _, text := range []string{
		"", "plain", `{"a": "b\\c"}`, "\x00\x01\x1f\x7f", "\b\f\n\r\t", "é€😀", "\u2028 \u2029 \u2027", "<&>", strings.Repeat(`"`, 1000),
	} {
		var encoded bytes.Buffer
		to := json.NewEncoder(&encoded)
		to.SetEscapeHTML(false)
		if err := to.Encode(text); err != nil {
			t.Fatal(err)
		}
		if got, want := lengthInJSON(text), encoded.Len()-len(`""`)-1; got != want {
			t.Errorf("%q takes %d bytes, not %d", text, want, got)
		}
	}
}

func TestWhatAnEventTakesCoversItsBodyAndOtherRequestsCopyNothing(t *testing.T) {
	m := full()
	m.Body = strings.Repeat("{\"a\":\"b\\n\"}\n\x01", 10_000)
	m.Attributes["note"] = message.Attribute{DataType: "String", StringValue: strings.Repeat("\t", 5_000)}
	m.Attributes["photo"] = message.Attribute{DataType: "Binary", BinaryValue: bytes.Repeat([]byte{7}, 30_000)}
	_, body := asked(t, "lambda", m)
	for _, copied := range []func(*message.Message) int{Copied("lambda", 1), Copied("lambda", 10), Copied("cloudevents", 10)} {
		if got := copied(m); got < 2*len(body)*95/100 || got > 2*len(body) {
			t.Errorf("a request of %d bytes, encoded and sent, counts as %d", len(body), got)
		}
	}
	for _, format := range Formats() {
		if format != "lambda" && Copied(format, 1) != nil {
			t.Errorf("%s copies the body", format)
		}
	}
}
