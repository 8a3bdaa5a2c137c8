package main

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"os"
	"sync"
	"time"
)

// libraryEvery is how often libraries may say something.
const libraryEvery = time.Minute

// A libraryLog takes what libraries write by the standard log package, such as net/http's
// "Unsolicited response received on idle HTTP channel", and logs it as a warning: one line
// a minute, with how many there were, cut off at the first quote, after which net/http
// repeats what the other side has sent.
type libraryLog struct {
	logger *slog.Logger

	mu    sync.Mutex // guards all below
	timer *time.Timer
	text  string
	more  int // since the last line
}

// takeLibraryLog sends the standard log there until end is called.
func takeLibraryLog(logger *slog.Logger) (end func()) {
	l := &libraryLog{logger: logger}
	flags := log.Flags()
	log.SetFlags(0)
	log.SetOutput(l)
	return func() {
		log.SetOutput(os.Stderr)
		log.SetFlags(flags)
		l.end()
	}
}

// Write implements io.Writer.
func (l *libraryLog) Write(p []byte) (int, error) {
	text, _, _ := bytes.Cut(bytes.TrimSpace(p), []byte{'"'})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = string(bytes.TrimSpace(text))
	l.more++
	if l.timer == nil {
		l.sayLocked()
		l.timer = time.AfterFunc(libraryEvery, l.turn)
	}
	return len(p), nil
}

// turn says what came since the last line, and ends the turns when nothing did.
func (l *libraryLog) turn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		return
	}
	if l.more == 0 {
		l.timer = nil
		return
	}
	l.sayLocked()
	l.timer.Reset(libraryEvery)
}

func (l *libraryLog) sayLocked() {
	l.logger.WarnContext(context.Background(), "a library reported trouble", slog.String("reason", l.text), slog.Int("count", l.more))
	l.more = 0
}

// end logs what has not been logged yet.
func (l *libraryLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.more > 0 {
		l.sayLocked()
	}
}
