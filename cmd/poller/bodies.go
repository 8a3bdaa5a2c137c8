package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// maxBody is the longest message that SQS takes.
const maxBody = 1 << 20

var (
	errEmpty   = errors.New("it is empty, and SQS takes no empty message")
	errTooLong = fmt.Errorf("it is longer than the %d bytes that SQS takes", maxBody)
	errNoText  = errors.New("it is not UTF-8, and SQS takes only text: encode it, for example as Base64")
	errOneID   = errors.New("--dedup names one message, and this is another one: put {n} into it, which becomes the body's number")
)

// body is one message to be sent.
type body struct {
	number int
	name   string // for a person: where it is from
	text   string
	// refusal is why it cannot be sent; nil if it can.
	refusal error
	// unread is why it, or what follows in its place, could not be read; nil if it was.
	unread error
}

// bodies returns the bodies from arguments, standard input and files, in this order,
// until ctx is done. It counts the empty lines that it skips.
func (c *sendCmd) bodies(p *process, skipped *atomic.Int64) <-chan body {
	out := make(chan body)
	reader := &bodyReader{ctx: p.drain, out: out, skipped: skipped, oneID: c.Dedup != "" && !strings.Contains(c.Dedup, "{n}")}
	go func() {
		defer close(out)
		for i, text := range c.Bodies {
			if text == "-" {
				reader.lines(p.stdin)
				continue
			}
			reader.give(body{name: fmt.Sprintf("argument %d", i+1), text: text})
		}
		for _, path := range c.Files {
			reader.file(path)
		}
	}()
	return out
}

type bodyReader struct {
	ctx    context.Context //nolint:containedctx // of one reading, as the channel is
	out    chan<- body
	number int
	oneID  bool // a second body would be taken for the first one
	// skipped counts empty lines of standard input.
	skipped *atomic.Int64
}

// give hands a body over, and reports whether more are wanted.
func (r *bodyReader) give(b body) bool {
	r.number++
	b.number = r.number
	switch {
	case b.unread != nil:
	case b.text == "":
		b.refusal = errEmpty
	case len(b.text) > maxBody:
		b.refusal = errTooLong
	case !utf8.ValidString(b.text):
		b.refusal = errNoText
	case r.oneID && b.number > 1:
		b.refusal = errOneID
	}
	select {
	case r.out <- b:
		return true
	case <-r.ctx.Done():
		return false
	}
}

func (r *bodyReader) file(path string) {
	b := body{name: "file " + path}
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err == nil {
		var text []byte
		text, err = io.ReadAll(io.LimitReader(f, maxBody+1))
		b.text = string(text)
		_ = f.Close() // it was only read
	}
	if err != nil {
		b.unread = pathless(err)
	}
	r.give(b)
}

// pathless is a file's error without its path, which is named already.
func pathless(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// byteOrderMark is what some Windows programs write first.
const byteOrderMark = "\ufeff"

// lines returns one body per line, without the line's end, which may be CRLF, and without
// a byte order mark. An empty line is skipped: SQS takes no empty message. A line that is
// too long is refused, and not kept.
func (r *bodyReader) lines(in io.Reader) {
	buffered := bufio.NewReaderSize(in, 64<<10)
	var line bytes.Buffer
	for n := 1; ; {
		part, err := buffered.ReadSlice('\n')
		if line.Len() <= maxBody {
			line.Write(part)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		text := strings.TrimSuffix(strings.TrimSuffix(line.String(), "\n"), "\r")
		if n == 1 {
			text = strings.TrimPrefix(text, byteOrderMark)
		}
		switch {
		case text != "":
			if !r.give(body{name: fmt.Sprintf("line %d", n), text: text}) {
				return
			}
		case err == nil:
			r.skipped.Add(1)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.give(body{name: fmt.Sprintf("standard input after line %d", n), unread: err})
			}
			return
		}
		line.Reset()
		n++
	}
}
