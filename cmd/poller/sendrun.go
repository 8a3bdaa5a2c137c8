package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

// sendRun sends bodies in their order, a batch at a time, and counts.
type sendRun struct {
	queue  *queue.Queue
	draft  queue.Draft   // what all messages have
	batch  int           // bodies a call at most
	each   time.Duration // from one body to the next; 0: no rate
	next   time.Time     // when the next may go
	p      *process
	errors io.Writer // where refused bodies are named

	sent, refused, unread, skipped atomic.Int64 // skipped are empty lines
}

// errStopped is that of a run that was told to stop before the end.
var errStopped = errors.New("stopped")

// run sends what comes until there is no more, or until the first signal, or until
// SQS refuses everything.
func (s *sendRun) run(bodies <-chan body) error {
	for {
		batch, more := s.gather(bodies)
		if len(batch) > 0 {
			if err := s.send(batch); err != nil {
				return err
			}
		}
		switch {
		case !more && s.p.drain.Err() != nil:
			return errStopped
		case !more:
			return nil
		}
	}
}

// gather takes the bodies of one call: as many as there are soon. There are no more
// after the first signal.
func (s *sendRun) gather(bodies <-chan body) (batch []body, more bool) {
	var soon <-chan time.Time
	for len(batch) < s.batch {
		select {
		case <-s.p.drain.Done():
			return nil, false
		default:
		}
		select {
		case b, ok := <-bodies:
			switch {
			case !ok:
				return batch, false
			case b.unread != nil:
				s.unread.Add(1)
				_, _ = fmt.Fprintf(s.errors, "poller: %s cannot be read: %v\n", b.name, b.unread)
				continue
			case b.refusal != nil:
				s.refuse(b, b.refusal)
				continue
			}
			if batch = append(batch, b); soon == nil {
				soon = time.After(sendLinger)
			}
		case <-soon:
			return batch, true
		case <-s.p.drain.Done():
			return nil, false
		}
	}
	return batch, true
}

// send sends a batch, again what SQS was not there for.
func (s *sendRun) send(batch []body) error {
	if s.pace(len(batch)); s.p.drain.Err() != nil {
		return errStopped
	}
	pause := firstSendPause
	for try := 1; ; try++ {
		again, err := s.sendOnce(batch, try == sendTries)
		if err != nil || len(again) == 0 {
			return err
		}
		batch = again
		wait(s.p.drain, pause)
		pause *= 2
		if s.p.drain.Err() != nil {
			return errStopped
		}
	}
}

// pace waits until n bodies may go.
func (s *sendRun) pace(n int) {
	wait(s.p.drain, time.Until(s.next))
	if now := time.Now(); s.next.Before(now) {
		s.next = now
	}
	s.next = s.next.Add(time.Duration(n) * s.each)
}

// sendOnce makes one call and returns what is worth another one. Its error is one that
// every other body would have too.
func (s *sendRun) sendOnce(batch []body, last bool) (again []body, err error) {
	drafts := make([]queue.Draft, len(batch))
	for i, b := range batch {
		drafts[i] = s.draftOf(b)
	}
	errs := s.queue.Send(s.p.now, drafts)
	if errs == nil {
		s.sent.Add(int64(len(batch)))
		return nil, nil
	}
	for i, err := range errs {
		switch fault := message.FaultOf(err); {
		case err == nil:
			s.sent.Add(1)
		case fault == message.Refused || s.p.now.Err() != nil:
			return nil, err
		case fault == message.Invalid && s.lacksDedup(err):
			return nil, fmt.Errorf("--dedup: %s is without ContentBasedDeduplication, so each message needs an id: "+
				"write --dedup ID, with {n} in it for several bodies, such as order-{n}", s.queue.Name())
		case fault == message.Invalid:
			s.refuse(batch[i], err)
		case last:
			return nil, fmt.Errorf("%s was not sent after %d tries: %w", batch[i].name, sendTries, err)
		default:
			again = append(again, batch[i])
		}
	}
	return again, nil
}

func (s *sendRun) draftOf(b body) queue.Draft {
	d := s.draft
	number := strconv.Itoa(b.number)
	d.Body = b.text
	d.GroupID = strings.ReplaceAll(d.GroupID, "{n}", number)
	d.DeduplicationID = strings.ReplaceAll(d.DeduplicationID, "{n}", number)
	return d
}

// lacksDedup reports whether SQS refused a message because nothing says what repeats it.
// Asking for the queue's attributes beforehand would take a permission that a sender may lack.
func (s *sendRun) lacksDedup(err error) bool {
	return s.draft.GroupID != "" && s.draft.DeduplicationID == "" && strings.Contains(err.Error(), "ContentBasedDeduplication")
}

// refuse names a body that is not sent, and why.
func (s *sendRun) refuse(b body, err error) {
	s.refused.Add(1)
	_, _ = fmt.Fprintf(s.errors, "poller: refused: %s: %v\n", b.name, err)
}

func (s *sendRun) progress() string {
	return fmt.Sprintf("sent %d  refused %d", s.sent.Load(), s.refused.Load())
}

// also says how many empty lines were skipped, if any were.
func (s *sendRun) also() string {
	n := s.skipped.Load()
	if n == 0 {
		return ""
	}
	return ", skipped " + counted(int(n), "empty line")
}

// result prints how many were sent, and returns the exit code.
func (s *sendRun) result(err error) error {
	sent := s.sent.Load()
	_, _ = fmt.Fprintf(s.p.stdout, "sent %s to %s%s\n", counted(int(sent), "message"), s.queue.Name(), s.also())
	refused, unread := s.refused.Load(), s.unread.Load()
	switch all := refused + unread + sent; {
	case errors.Is(err, errStopped):
		return exit{code: codeSecondBreak, err: errors.New("stopped before everything was sent")}
	case err != nil:
		return err
	case refused > 0 && unread > 0:
		return fmt.Errorf("%d of %d bodies were refused, and %d could not be read", refused, all, unread)
	case refused > 0:
		return fmt.Errorf("%d of %d bodies were refused", refused, all)
	case unread > 0:
		return fmt.Errorf("%d of %d bodies could not be read", unread, all)
	}
	return nil
}
