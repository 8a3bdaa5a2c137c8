package localsqs

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

const jsonType = "application/x-amz-json-1.0"

// header sets what every answer has.
func (s *Server) header(w http.ResponseWriter, contentType string, length int) {
	id := s.ids.uuid(idOfRequest, s.requests.Load()).String()
	h := w.Header()
	h["X-Amzn-Requestid"] = []string{id}
	h["Content-Type"] = []string{contentType}
	h["Date"] = []string{time.Now().UTC().Format(http.TimeFormat)}
	h["Content-Length"] = []string{strconv.Itoa(length)}
}

// write sends the answer of an action. One that can be undone is flushed, to
// learn whether the connection still took it.
func (s *Server) write(w http.ResponseWriter, c *call) {
	if len(c.out) == 0 {
		c.out = append(c.out, "{}"...)
	}
	s.header(w, jsonType, len(c.out))
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(c.out)
	if c.undo == nil {
		return
	}
	if err == nil {
		if err = http.NewResponseController(w).Flush(); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
	}
	if err != nil {
		c.undo()
	}
}

func (s *Server) writeFailure(w http.ResponseWriter, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{kind: kind{coralShape + "InternalFailure", "InternalFailure", http.StatusInternalServerError}, message: err.Error()}
	}
	body, _ := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{f.shape, f.message})
	side := "Sender"
	if !f.sender() {
		side = "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", f.query+";"+side)
	s.header(w, jsonType, len(body))
	w.WriteHeader(f.status)
	_, _ = w.Write(body)
}

// writeQueryFailure answers the old query protocol in its own XML, so that old
// SDKs show the sentence.
func (s *Server) writeQueryFailure(w http.ResponseWriter) {
	type inner struct {
		Type    string
		Code    string
		Message string
	}
	body, _ := xml.Marshal(struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Error     inner
		RequestID string `xml:"RequestId"`
	}{
		Error: inner{
			"Sender", "UnsupportedProtocol",
			"This SQS server speaks the AWS JSON 1.0 protocol only: use an SDK or a command line of 2024 or later.",
		},
		RequestID: s.ids.uuid(idOfRequest, s.requests.Load()).String(),
	})
	s.header(w, "text/xml", len(body))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body)
}

func (s *Server) writePlain(w http.ResponseWriter, sentence string) {
	s.header(w, "text/plain; charset=utf-8", len(sentence)+1)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(append([]byte(sentence), '\n'))
}

// appendString appends s as a JSON string.
func appendString(to []byte, s string) []byte {
	const hexadecimal = "0123456789abcdef"
	to = append(to, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			to = append(append(to, s[start:i]...), `\ufffd`...)
			i++
			start = i
			continue
		}
		to = append(to, s[start:i]...)
		switch c {
		case '"', '\\':
			to = append(to, '\\', c)
		case '\n':
			to = append(to, '\\', 'n')
		case '\r':
			to = append(to, '\\', 'r')
		case '\t':
			to = append(to, '\\', 't')
		default:
			to = append(to, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
		}
		i++
		start = i
	}
	return append(append(to, s[start:]...), '"')
}

func appendInt(to []byte, n int64) []byte { return strconv.AppendInt(to, n, 10) }

func appendUint(to []byte, n uint64) []byte { return strconv.AppendUint(to, n, 10) }
