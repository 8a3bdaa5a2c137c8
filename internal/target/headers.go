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

// lookAgain is how long a header's file is not looked at after it was.
const lookAgain = time.Second

// byteOrderMark begins what some editors save as UTF-8. It is no part of the value.
const byteOrderMark = "\ufeff"

// headers are the configured ones, ready to be put into a request. Their files are
// looked at by the delivery that comes when a second has passed; all others go on
// with the values they have.
type headers struct {
	logger *slog.Logger
	next   atomic.Int64 // when files are looked at, in Unix nanoseconds; never without files
	now    atomic.Pointer[values]

	mu       sync.Mutex // guards all below
	settings []setting
}

// values are what is sent. They are never changed, only replaced: requests share
// the slices.
type values struct {
	host        string // empty: the URL's
	contentType bool   // lines has a Content-Type
	lines       []line
}

type line struct {
	key   string
	value []string
}

// setting is one configured header and what is known of its file.
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
			return nil, fmt.Errorf("the header %s is given twice", s.Name)
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

// current is what to send now.
func (h *headers) current(ctx context.Context) *values {
	if next := h.next.Load(); next != 1<<63-1 {
		now := time.Now()
		if now.UnixNano() >= next && h.next.CompareAndSwap(next, now.Add(lookAgain).UnixNano()) {
			h.look(ctx)
		}
	}
	return h.now.Load()
}

// look reads the files that have changed. One that cannot be read keeps its last
// value, and one warning is logged until it can be again.
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
				h.logger.WarnContext(ctx, "header file cannot be read, its last value is kept",
					"header", s.Name, "file", s.File, "error", err)
			}
			continue
		}
		s.file.failed = false
		changed = true
		h.logger.InfoContext(ctx, "header file read again", "header", s.Name, "file", s.File)
	}
	if changed {
		h.replace()
	}
}

// replace makes the values from the settings.
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

// read takes the value from the file. On an error the setting is as it was.
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
	text, err := io.ReadAll(io.LimitReader(file, maxHeaderValue+3)) // with a line break, and one to be too long
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

// put adds them to a request.
func (v *values) put(r *http.Request) {
	r.Host = v.host // empty: the URL's
	for _, l := range v.lines {
		r.Header[l.key] = l.value
	}
}
