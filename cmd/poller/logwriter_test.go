package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// reader is somebody who reads a log, and stops and goes on as told.
type reader struct {
	stop chan struct{} // a write waits while it is full

	mu   sync.Mutex // guards the rest
	err  error
	text bytes.Buffer
}

func (r *reader) Write(p []byte) (int, error) {
	r.stop <- struct{}{}
	<-r.stop
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	return r.text.Write(p)
}

func (r *reader) read() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func TestALogThatNobodyReadsStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{stop: make(chan struct{}, 1)}
		w := newLogWriter(r, 10)
		w.dropped = func(n int) { fmt.Fprintf(w, "dropped %d\n", n) }
		r.stop <- struct{}{} // it stops reading
		for i := range 100 {
			fmt.Fprintf(w, "line %d\n", i) // a write that waits is a deadlock
			synctest.Wait()
		}
		<-r.stop
		synctest.Wait()
		w.close()
		got := strings.Split(strings.TrimSpace(r.read()), "\n")
		// One that the writer holds, ten that wait, and the line about the others.
		if len(got) != 12 || got[10] != "line 10" || got[11] != "dropped 89" {
			t.Errorf("%d lines: %q", len(got), got)
		}
	})
}

func TestALogWhoseReaderIsGoneCountsWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{stop: make(chan struct{}, 1), err: errors.New("broken pipe")}
		w := newLogWriter(r, 10)
		w.dropped = func(n int) { fmt.Fprintf(w, "dropped %d\n", n) }
		for range 3 {
			io.WriteString(w, "lost\n")
		}
		synctest.Wait()
		r.mu.Lock()
		r.err = nil
		r.mu.Unlock()
		io.WriteString(w, "read\n")
		synctest.Wait()
		begun := time.Now()
		w.close()
		if got := r.read(); got != "read\ndropped 3\n" || time.Since(begun) != 0 {
			t.Errorf("%q after %s", got, time.Since(begun))
		}
	})
}

func TestTheEndWaitsForTheLogButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{stop: make(chan struct{}, 1)}
		w := newLogWriter(r, 10)
		r.stop <- struct{}{}
		io.WriteString(w, "last\n")
		begun := time.Now()
		w.close()
		if took := time.Since(begun); took != logFlush {
			t.Errorf("the end took %s", took)
		}
		io.WriteString(w, "too late\n")
		w.close()
		<-r.stop
	})
}

func TestWhatLibrariesSayIsOneLineAMinuteWithoutTheTargetsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		end := takeLibraryLog(slog.New(slog.NewJSONHandler(&out, nil)))
		for i := range 100 {
			log.Printf("Unsolicited response received on idle HTTP channel starting with %q; err=%v", "secret", i)
			<-time.After(time.Second)
		}
		end()
		log.SetOutput(io.Discard)
		defer log.SetOutput(os.Stderr)
		log.Print("after the end")
		<-time.After(5 * time.Minute)

		var counts []float64
		for line := range strings.Lines(out.String()) {
			var said map[string]any
			if err := json.Unmarshal([]byte(line), &said); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if said["level"] != "WARN" || said["reason"] != "Unsolicited response received on idle HTTP channel starting with" {
				t.Errorf("%v", said)
			}
			counts = append(counts, said["count"].(float64))
		}
		if len(counts) != 3 || counts[0] != 1 || counts[1]+counts[2] != 99 || counts[1] < 59 {
			t.Errorf("the lines count %v", counts)
		}
		if strings.Contains(out.String(), "secret") {
			t.Error("the target's bytes are logged")
		}
	})
}

func TestAQuietMinuteEndsTheTurnsOfLibraries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		end := takeLibraryLog(slog.New(slog.NewJSONHandler(&out, nil)))
		defer end()
		log.Print("one")
		<-time.After(61 * time.Second)
		log.Print("two")
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%d lines: %s", n, out.String())
		}
	})
}
