package demo

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/receiver"
)

// SinkOptions configure a sink. The zero value accepts everything immediately.
type SinkOptions struct {
	// Capacity is how many concurrent requests it accepts; 0 means any number.
	Capacity int
	// Rate is how many requests it accepts in a period.
	Rate Limit
	// Quota is how many requests it accepts in a period of the clock, such as each minute;
	// Saying is how its answers say what is left.
	Quota  Limit
	Saying Saying
	// Latency is how long each of them takes.
	Latency Latency
	// Status is the answer to accepted requests; 0 means 200.
	Status int
	// OverloadStatus is the answer to excess requests; 0 means 429.
	OverloadStatus int
	// RetryAfter is sent with OverloadStatus, in whole seconds, unless 0.
	RetryAfter time.Duration
	Outages    Schedule
	Recovery   Recovery
	// Format is how requests are read; empty means that they are not.
	Format receiver.Format
	// Verify are what requests have to pass.
	Verify []receiver.Verifier
	// Fail is the share of messages that always fail.
	Fail Share
	// Wrong is told what is wrong with a request that Format or Verify refuses. It is called
	// concurrently.
	Wrong func(problem string)
}

// Sink is a downstream to practice on: it answers every path except /stats as configured,
// and counts requests.
type Sink struct {
	options SinkOptions
	start   time.Time

	mu         sync.Mutex // guards what follows
	counts     counts
	atOnce     int    // of those that were taken
	present    int    // of all
	taken      window // what the rate counts
	quota      quota
	lastSecond window
	requests   int64 // since the start, whatever was reset
}

// NewSink returns a sink. Its schedule of outages starts now.
func NewSink(o SinkOptions) *Sink {
	o.Status = cmp.Or(o.Status, http.StatusOK)
	o.OverloadStatus = cmp.Or(o.OverloadStatus, http.StatusTooManyRequests)
	now := time.Now()
	return &Sink{
		options:    o,
		start:      now,
		counts:     newCounts(now),
		taken:      window{span: o.Rate.Per},
		quota:      quota{Limit: o.Quota},
		lastSecond: window{span: time.Second},
	}
}

func (s *Sink) since() time.Duration { return time.Since(s.start) }

// maxBody is as much of a request as is read; a message is at most 1 MiB.
const maxBody = 16 << 20

// ServeHTTP answers one request.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/stats" {
		s.serveStats(w, r)
		return
	}
	refused, outage, latency := s.arrive()
	defer s.gone()
	body := s.readBody(w, r)
	switch refused {
	case "":
	case byOutage:
		s.fail(w, r, outage)
		return
	default:
		s.refuse(w, refused)
		return
	}
	delivery, problem := s.read(r, body)
	s.age(delivery)
	answered := wait(r, latency)
	failed := s.options.Fail.of(delivery.Messages)
	s.leave(delivery, failed, problem != nil, answered)
	if !answered {
		panic(http.ErrAbortHandler)
	}
	s.sayQuota(w.Header(), problem == nil)
	switch {
	case problem != nil:
		if s.options.Wrong != nil {
			s.options.Wrong(problem.Text)
		}
		http.Error(w, problem.Text, problem.Status)
	case delivery.Named || len(failed) > 0:
		delivery.Answer(w, s.options.Status, failed)
	default:
		s.answer(w, s.options.Status)
	}
}

// readBody reads the whole body: the server notices only then that the client has gone. It
// returns nil if nobody needs to look at it.
func (s *Sink) readBody(w http.ResponseWriter, r *http.Request) []byte {
	limited := http.MaxBytesReader(w, r.Body, maxBody)
	if s.options.Format == "" && len(s.options.Verify) == 0 {
		_, _ = io.Copy(io.Discard, limited)
		return nil
	}
	body, _ := io.ReadAll(limited) // what is cut off is malformed
	return body
}

// read verifies and reads a request. Without a format it delivers the message that its
// headers name.
func (s *Sink) read(r *http.Request, body []byte) (receiver.Delivery, *receiver.Problem) {
	for _, verify := range s.options.Verify {
		if problem := verify(r, body); problem != nil {
			return receiver.Delivery{}, problem
		}
	}
	if s.options.Format == "" {
		sent, _ := time.Parse(time.RFC3339, r.Header.Get("X-Poller-Sent-At"))
		return receiver.Delivery{Messages: []receiver.Message{{ID: r.Header.Get("X-Poller-Message-Id"), SentAt: sent}}}, nil
	}
	return s.options.Format.Read(r, body)
}

// arrive counts a request, and says why it is refused or how long it takes. One
// that is not refused has to leave.
func (s *Sink) arrive() (refused string, outage Outage, latency time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.since()
	s.requests++
	s.counts.Received++
	s.lastSecond.add(now)
	s.counts.PerSecondMax = max(s.counts.PerSecondMax, s.lastSecond.count(now))

	s.present++
	s.counts.SeenAtOnceMax = max(s.counts.SeenAtOnceMax, s.present)

	s.quota.begin(time.Now())
	outage, out := s.options.Outages.at(now)
	switch o := &s.options; {
	case out:
		refused = byOutage
	case s.atOnce >= o.Recovery.Capacity && o.Outages.over(now) < o.Recovery.For:
		refused = byRecovery
	case o.Capacity > 0 && s.atOnce >= o.Capacity:
		refused = byCapacity
	case o.Rate.N > 0 && s.taken.count(now) >= o.Rate.N:
		refused = byRate
	case o.Quota.N > 0 && s.quota.taken >= o.Quota.N:
		refused = byQuota
	default:
		s.quota.taken++
		if o.Rate.N > 0 {
			s.taken.add(now)
		}
		s.atOnce++
		s.counts.AtOnceMax = max(s.counts.AtOnceMax, s.atOnce)
		return "", outage, o.Latency.of(s.requests)
	}
	s.counts.Refused[refused]++
	return refused, outage, 0
}

// age notes how old what a request delivers is when it comes.
func (s *Sink) age(d receiver.Delivery) {
	var oldest time.Duration
	for _, m := range d.Messages {
		if m.SentAt.IsZero() {
			return
		}
		oldest = max(oldest, time.Since(m.SentAt))
	}
	if len(d.Messages) > 0 {
		s.mu.Lock()
		s.counts.Lag = oldest.Seconds()
		s.mu.Unlock()
	}
}

// leave counts a request that was taken, before it is answered: who asks for the
// counts after an answer finds it there.
func (s *Sink) leave(d receiver.Delivery, failed []string, wrong, answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atOnce--
	switch {
	case !answered:
		s.counts.Abandoned++
		return
	case wrong:
		s.counts.Refused[byForm]++
		return
	}
	s.counts.Failed += int64(len(failed))
	if len(failed) > 0 && !d.Named {
		return
	}
	s.counts.Accepted++
	for _, m := range d.Messages {
		if slices.Contains(failed, m.ID) {
			continue
		}
		s.counts.Messages++
		if m.ID != "" && s.counts.ids.add(m.ID) {
			s.counts.Duplicates++
		}
	}
}

// gone counts a request that has ended, however it ended.
func (s *Sink) gone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.present--
}

// wait is false if the client went away before d was over.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Sink) answer(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	if status != http.StatusNoContent && status != http.StatusNotModified {
		_, _ = fmt.Fprintf(w, "%d %s\n", status, http.StatusText(status))
	}
}

func (s *Sink) refuse(w http.ResponseWriter, why string) {
	if after := s.options.RetryAfter; after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
	s.sayQuota(w.Header(), false)
	status := s.options.OverloadStatus
	text := fmt.Sprintf("more than %s", s.options.Rate)
	switch why {
	case byCapacity:
		text = fmt.Sprintf("more than %d at once", s.options.Capacity)
	case byQuota:
		text = fmt.Sprintf("more than %s", s.options.Quota)
	case byRecovery:
		text = fmt.Sprintf("more than %d at once, so soon after an outage", s.options.Recovery.Capacity)
	}
	http.Error(w, text, status)
}

// fail does what the outage says.
func (s *Sink) fail(w http.ResponseWriter, r *http.Request, o Outage) {
	switch o.How {
	case "":
		s.answer(w, o.Status)
		return
	case Hang:
		<-r.Context().Done()
	default:
		cut(w)
	}
	panic(http.ErrAbortHandler)
}

// cut ends the connection with a reset, where there is one to reset.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
