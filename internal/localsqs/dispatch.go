package localsqs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"
)

// maxRequestBytes bounds a request: a batch of 1 MiB, each byte of it escaped
// six times over in JSON, and as much again for the rest.
const maxRequestBytes = 16 << 20

// actions are what the server can do.
var actions = map[string]func(*call) error{
	"AddPermission":                addPermission,
	"CancelMessageMoveTask":        cancelMessageMoveTask,
	"ChangeMessageVisibility":      changeMessageVisibility,
	"ChangeMessageVisibilityBatch": changeMessageVisibilityBatch,
	"CreateQueue":                  createQueue,
	"DeleteMessage":                deleteMessage,
	"DeleteMessageBatch":           deleteMessageBatch,
	"DeleteQueue":                  deleteQueue,
	"GetQueueAttributes":           getQueueAttributes,
	"GetQueueUrl":                  getQueueURL,
	"ListDeadLetterSourceQueues":   listDeadLetterSourceQueues,
	"ListMessageMoveTasks":         listMessageMoveTasks,
	"ListQueueTags":                listQueueTags,
	"ListQueues":                   listQueues,
	"PurgeQueue":                   purgeQueue,
	"ReceiveMessage":               receiveMessage,
	"RemovePermission":             removePermission,
	"SendMessage":                  sendMessage,
	"SendMessageBatch":             sendMessageBatch,
	"SetQueueAttributes":           setQueueAttributes,
	"StartMessageMoveTask":         startMessageMoveTask,
	"TagQueue":                     tagQueue,
	"UntagQueue":                   untagQueue,
}

// call is one request on its way through an action.
type call struct {
	s *Server
	r *http.Request
	// in is the request's body, out the answer's, appended to.
	in, out []byte
	// undo, if set, is called when the answer did not reach the client.
	undo func()
	// silent means that the client is gone, so nobody can be answered.
	silent bool
}

func (c *call) context() context.Context { return c.r.Context() }

// base is scheme and host of the request, for the queue URLs in its answer. A
// request that came without a network has its host in the URL.
func (c *call) base() string {
	host := cmp.Or(c.r.Host, c.r.URL.Host, "localsqs")
	if c.r.TLS != nil {
		return "https://" + host
	}
	return "http://" + host
}

// traceID is the request's X-Ray header, if it is one that a message may carry.
func (c *call) traceID() string {
	id := c.r.Header.Get("X-Amzn-Trace-Id")
	if !utf8.ValidString(id) || !validText(id) {
		return ""
	}
	return id
}

// read decodes the request's body. Both allocate their own strings, so that the
// body's buffer is free afterwards.
func (c *call) read(into any) error {
	if !utf8.Valid(c.in) {
		return serialization.because("The request is not valid UTF-8.")
	}
	if err := json.Unmarshal(c.in, into); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return serialization.because("The value of %s is a JSON %s, which it cannot be.",
				cmp.Or(t.Field, "the request"), t.Value)
		}
		return serialization.because("The request is not the JSON object that the action takes.")
	}
	return nil
}

// exists returns SQS's error if there is no such queue; that may change by the
// next lock.
func (c *call) exists(address string) error {
	now := c.s.lock()
	defer c.s.unlock(now)
	_, err := c.s.queueAt(address)
	return err
}

// reply appends v as JSON.
func (c *call) reply(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.out = append(c.out, text...)
	return nil
}

// buffers are the bodies of requests and answers, used again while small.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

const keepBuffersTo = 64 << 10

func release(kept *[]byte, used []byte) {
	if cap(used) <= keepBuffersTo {
		*kept = used[:0]
		buffers.Put(kept)
	}
}

// answer reads the request, runs its action and writes what came of it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		s.writeFailure(w, serviceUnavailable.because("The server is closed."))
		return
	}
	action, ok := s.actionOf(w, r)
	if !ok {
		return
	}
	run, ok := actions[action]
	if !ok {
		s.writeFailure(w, invalidAction.because("The action %s is not valid for this endpoint.", action))
		return
	}
	in, out := buffers.Get().(*[]byte), buffers.Get().(*[]byte)
	c := &call{s: s, r: r, out: (*out)[:0]}
	var err error
	c.in, err = readBody(w, r, (*in)[:0])
	if err == nil {
		err = run(c)
	}
	switch {
	case err != nil:
		s.writeFailure(w, err)
	case !c.silent:
		s.write(w, c)
	}
	release(in, c.in)
	release(out, c.out)
}

// actionOf is the action that the request names; a request of another protocol
// is answered here with what to send instead.
func (s *Server) actionOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	media = strings.ToLower(strings.TrimSpace(media))
	action, named := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	switch {
	case media == "application/x-www-form-urlencoded" && !named:
		s.writeQueryFailure(w)
	case r.Method != http.MethodPost, media != "application/x-amz-json-1.0":
		s.writePlain(w, "This is an SQS server: POST an action as JSON, "+
			"with Content-Type: application/x-amz-json-1.0 and X-Amz-Target: AmazonSQS.ACTION.")
	case !named:
		s.writeFailure(w, invalidAction.because("The header X-Amz-Target must be AmazonSQS. and the action's name."))
	default:
		return action, true
	}
	return "", false
}

func readBody(w http.ResponseWriter, r *http.Request, buffer []byte) ([]byte, error) {
	if r.Body == nil {
		return buffer, nil
	}
	if n := r.ContentLength; n > 0 && n <= maxRequestBytes {
		if n > int64(cap(buffer)) {
			buffer = make([]byte, 0, n)
		}
		buffer = buffer[:n]
		if _, err := io.ReadFull(r.Body, buffer); err != nil {
			return buffer, serialization.because("The request's body ended too early.")
		}
		return buffer, nil
	}
	body := http.MaxBytesReader(w, r.Body, maxRequestBytes)
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		switch {
		case err == io.EOF:
			return buffer, nil
		case err != nil:
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return buffer, requestTooLarge.because("A request may have at most %d bytes.", maxRequestBytes)
			}
			return buffer, serialization.because("The request's body could not be read.")
		}
	}
}
