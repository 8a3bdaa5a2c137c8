package target

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// lookAgain is how long to wait before checking a header's file again.
const lookAgain = time.Second

// byteOrderMark is what some editors put before UTF-8. It is not part of the value.
const byteOrderMark = "\ufeff"

// headers are the configured headers, ready to be added to a request. The first delivery
// after a second has passed checks their files; all others use the current values.
type headers struct {
	logger *slog.Logger
	next   atomic.Int64 // when to check the files, in Unix nanoseconds; never without files
	now    atomic.Pointer[values]

	mu       sync.Mutex // guards all below
	settings []setting
}

// values are the headers to send. They are replaced, never modified: requests share the
// slices.
type values struct {
	host        string // empty means the URL's
	contentType bool   // lines has a Content-Type
	lines       []line
}

type line struct {
	key   string
	value []string
}

// setting is a configured header and the state of its file.
type setting struct {
	Header
	key  string
	file watched
}

// newHeaders checks the headers and reads their files.
func newHeaders(o Options, user *url.Userinfo) (*headers, error) {
	h := &headers{logger: o.Logger.With("target", o.Name)}
	given := make(map[string]bool)
	for _, header := range o.Headers {
		if err := header.validate(); err != nil {
			return nil, err
		}
		s := setting{Header: header, key: textproto.CanonicalMIMEHeaderKey(header.Name), file: watched{path: header.File}}
		if single[s.key] && given[s.key] {
			return nil, fmt.Errorf("the header %s is set twice", s.Name)
		}
		given[s.key] = true
		if s.File != "" {
			if err := s.read(); err != nil {
				return nil, err
			}
		}
		h.settings = append(h.settings, s)
	}
	if user != nil {
		if given["Authorization"] {
			return nil, errors.New("the target's URL has user info and there is an Authorization header: keep one of them")
		}
		password, _ := user.Password()
		h.settings = append(h.settings, setting{key: "Authorization", Header: Header{
			Name:  "Authorization",
			Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)),
		}})
	}
	if !given["User-Agent"] {
		agent := o.UserAgent
		if agent == "" || validValue("User-Agent", agent) != nil {
			agent = "poller"
		}
		h.settings = append(h.settings, setting{key: "User-Agent", Header: Header{Name: "User-Agent", Value: agent}})
	}
	h.next.Store(1<<63 - 1)
	for i := range h.settings {
		if h.settings[i].File != "" {
			h.next.Store(time.Now().Add(lookAgain).UnixNano())
		}
	}
	h.replace()
	return h, nil
}

// current returns the current values.
func (h *headers) current(ctx context.Context) *values {
	if next := h.next.Load(); next != 1<<63-1 {
		now := time.Now()
		if now.UnixNano() >= next && h.next.CompareAndSwap(next, now.Add(lookAgain).UnixNano()) {
			h.look(ctx)
		}
	}
	return h.now.Load()
}

// look reads the files that have changed. If one cannot be read, its last value is kept,
// and one warning is logged until it can be read again.
func (h *headers) look(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := false
	for i := range h.settings {
		s := &h.settings[i]
		if s.File == "" || !s.file.changed() {
			continue
		}
		if err := s.read(); err != nil {
			if !s.file.failed {
				s.file.failed = true
				h.logger.WarnContext(ctx, "cannot read header file: keeping its last value",
					"header", s.Name, "file", s.File, "error", err)
			}
			continue
		}
		s.file.failed = false
		changed = true
		h.logger.InfoContext(ctx, "header file reloaded", "header", s.Name, "file", s.File)
	}
	if changed {
		h.replace()
	}
}

// replace builds the values from the settings.
func (h *headers) replace() {
	v := &values{}
	at := make(map[string]int)
	for _, s := range h.settings {
		switch i, again := at[s.key]; {
		case s.key == "Host":
			v.host = s.Value
		case again:
			v.lines[i].value = append(v.lines[i].value, s.Value)
		default:
			at[s.key] = len(v.lines)
			v.lines = append(v.lines, line{s.key, []string{s.Value}})
			v.contentType = v.contentType || s.key == "Content-Type"
		}
	}
	h.now.Store(v)
}

// read reads the value from the file. After an error the setting is unchanged.
func (s *setting) read() error {
	file, err := os.Open(s.File) // the path is the operator's own setting
	if err != nil {
		return fmt.Errorf("the header %s: %w", s.Name, err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("the header %s: %w", s.Name, err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxHeaderValue+3)) // a line break, and one byte to detect excess
	if err != nil {
		return fmt.Errorf("the header %s: %w", s.Name, err)
	}
	value := strings.Trim(strings.TrimRight(strings.TrimPrefix(string(text), byteOrderMark), "\r\n"), " \t")
	if err := validValue(s.Name, value); err != nil {
		return fmt.Errorf("%w (in the file %s)", err, s.File)
	}
	s.Value, s.file.seen = value, info
	return nil
}

// put adds the headers to a request.
func (v *values) put(r *http.Request) {
	r.Host = v.host // empty means the URL's
	for _, l := range v.lines {
		r.Header[l.key] = l.value
	}
}
