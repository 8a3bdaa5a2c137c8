package target

import "github.com/sqs-poller/poller/internal/message"

// Copied returns what tells how many bytes of a request in that format, of at most so many
// messages, are a message's own, beside the message itself; nil where the body is sent as it is.
func Copied(format string, batch int) func(*message.Message) int {
	if format == "lambda" || format == "cloudevents" && batch > 1 {
		return func(m *message.Message) int { return 2 * inJSON(m) } // while it is encoded, and in the request
	}
	return nil
}

// inJSON returns how many bytes the texts of m take in an event's JSON.
func inJSON(m *message.Message) int {
	size := lengthInJSON(m.Body)
	for name, a := range m.Attributes {
		size += len(name) + lengthInJSON(a.StringValue) + len(a.BinaryValue)*4/3
	}
	return size
}

// lengthInJSON returns how many bytes text takes in JSON.
func lengthInJSON(text string) int {
	n := len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"', c == '\\', c == '\n', c == '\r', c == '\t', c == '\b', c == '\f':
			n++
		case c < ' ':
			n += len(`\u0000`) - 1
		case c == 0xe2 && i+2 < len(text) && text[i+1] == 0x80 && text[i+2]&^1 == 0xa8: // U+2028 and U+2029
			n += len(`\u2028`) - len("\u2028")
		}
	}
	return n
}
