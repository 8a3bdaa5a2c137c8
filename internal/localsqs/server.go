package localsqs

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is the embedded SQS server. Use New; it is safe for concurrent use.
type Server struct {
	ids      identity
	requests atomic.Uint64
	// start is the zero of the server's monotonic clock.
	start time.Time

	mu       sync.Mutex
	queues   map[string]*queue
	tasks    map[string][]*moveTask // by the name of the source queue, oldest first
	messages uint64                 // messages so far: their order, and the root of their ids
	receives uint64                 // receives so far: no two receipt handles are the same
	moves    uint64                 // move tasks so far
	dirty    []*queue               // queues with long polls that may be served at unlock
	held     held
	closed   bool
}

// Option configures a Server.
type Option func(*Server)

// WithSeed draws message ids, receipt handles and task ids from seed, so that a
// simulation with the same requests in the same order gets the same answers.
// Without it they come from crypto/rand.
func WithSeed(seed uint64) Option {
	return func(s *Server) { s.ids = seededIdentity(seed) }
}

// WithRelease has release called, in a goroutine of its own, a second after the
// bodies held have become much fewer than they were: debug.FreeOSMemory gives
// their memory back to the system, where the runtime alone would keep it for
// minutes.
func WithRelease(release func()) Option {
	return func(s *Server) { s.held.release = release }
}

// New returns a server without queues. It starts nothing; Close ends what requests have
// started.
func New(opts ...Option) *Server {
	s := &Server{
		ids:    randomIdentity(),
		start:  time.Now(),
		queues: make(map[string]*queue),
		tasks:  make(map[string][]*moveTask),
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// CreateQueue creates a queue like the action of that name, with SQS's attribute names
// and values, and returns its URL under the host "localsqs": requests are resolved by the
// URL's path, whatever its host. It is not an error if the queue exists with the same
// attributes.
func (s *Server) CreateQueue(name string, attributes map[string]string) (url string, err error) {
	if err := s.createQueue(name, attributes, nil); err != nil {
		return "", err
	}
	return queueURL("http://localsqs", name), nil
}

// Depth returns how many messages of a queue are visible, in flight and delayed; ok is
// false if there is no such queue.
func (s *Server) Depth(name string) (visible, inFlight, delayed int, ok bool) {
	now := s.lock()
	defer s.unlock(now)
	q, ok := s.queues[name]
	if !ok {
		return 0, 0, 0, false
	}
	q.advance(now)
	return q.visible.n, q.inFlight.n, q.delayed.n, true
}

// Close answers all long polls as empty, stops every timer and drops the
// queues; later requests get 503. It may be called twice.
func (s *Server) Close() {
	now := s.lock()
	defer s.unlock(now)
	s.closed = true
	for _, q := range s.queues {
		q.close(nil)
	}
	for _, tasks := range s.tasks {
		for _, task := range tasks {
			task.stop()
		}
	}
	s.held.stop()
	clear(s.queues)
	clear(s.tasks)
}

// instant is a time on the server's monotonic clock.
type instant = time.Duration

func (s *Server) now() instant { return time.Since(s.start) }

// lock locks the mutex and then reads the clock, so that time does not go backwards
// between operations.
func (s *Server) lock() instant {
	s.mu.Lock()
	return s.now()
}

// unlock serves the long polls that can now be served. It does so after the operation, so
// that serving never nests: a redrive from one queue may feed another.
func (s *Server) unlock(now instant) {
	for len(s.dirty) > 0 {
		q := s.dirty[0]
		s.dirty = s.dirty[1:]
		q.dirty = false
		q.serve(now)
	}
	s.dirty = nil
	s.mu.Unlock()
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.answer(w, r)
}
