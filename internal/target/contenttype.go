package target

import (
	"mime"
	"strings"

	"github.com/sqs-poller/poller/internal/message"
)

// maxContentType bounds what is accepted as a media type.
const maxContentType = 256

var (
	jsonType = []string{"application/json"}
	textType = []string{"text/plain; charset=utf-8"}
)

// contentType returns the media type in the message's attribute if it is valid, else one
// that fits its body.
func contentType(m *message.Message) []string {
	if len(m.Attributes) > 0 {
		for _, name := range [...]string{"Content-Type", "content-type", "contentType"} {
			if value := text(m, name); value != "" && isMediaType(value) {
				return []string{value}
			}
		}
	}
	if isJSON(m.Body) {
		return jsonType
	}
	return textType
}

func isMediaType(value string) bool {
	if len(value) > maxContentType || !plain(value) {
		return false
	}
	kind, _, err := mime.ParseMediaType(value)
	return err == nil && strings.Contains(kind, "/")
}

// isJSON checks both ends first: they reveal most text that is not JSON.
func isJSON(body string) bool {
	trimmed := strings.Trim(body, " \t\r\n")
	if trimmed == "" {
		return false
	}
	first, last := trimmed[0], trimmed[len(trimmed)-1]
	switch {
	case first == '{' && last == '}', first == '[' && last == ']', first == '"' && last == '"':
	case (first == '-' || isDigit(first)) && isDigit(last):
	case trimmed == "true", trimmed == "false", trimmed == "null":
		return true
	default:
		return false
	}
	return validJSON(trimmed)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
