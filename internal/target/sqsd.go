package target

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	sqsdAgent     = "aws-sqsd/2.0"
	sqsdAttribute = "X-Aws-Sqsd-Attr-"
	// pathAttribute is the message attribute that says where a message of a worker
	// environment is posted to.
	pathAttribute = "beanstalk.sqsd.path"
	maxPath       = 2 << 10
)

// sqsd sends what the daemon of an Elastic Beanstalk worker environment sends:
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
type sqsd struct{}

func (sqsd) write(x *exchange, from source, m *message.Message) {
	x.send(m.Body)
	x.contentType(jsonType)
	w := &x.head
	if m.ID != "" {
		w.set("X-Aws-Sqsd-Msgid", m.ID)
	}
	w.set("X-Aws-Sqsd-Queue", from.queue)
	if !m.FirstReceivedAt.IsZero() {
		w.set("X-Aws-Sqsd-First-Received-At", m.FirstReceivedAt.In(time.UTC).Format(time.RFC3339))
	}
	w.set("X-Aws-Sqsd-Receive-Count", strconv.Itoa(m.ReceiveCount))
	if m.SenderID != "" {
		w.set("X-Aws-Sqsd-Sender-Id", m.SenderID)
	}
	if len(m.Attributes) > 0 {
		w.exactAttributes(sqsdAttribute, m.Attributes)
	}
	if path, query, ok := sqsdPath(text(m, pathAttribute)); ok {
		u := *x.request.URL
		u.Path, u.RawPath, u.RawQuery = path.Path, path.RawPath, query
		x.request.URL = &u
	}
}

// sqsdPath splits the path that a message asks for. It must begin with one slash: nothing
// in a message chooses the host. An invalid one is ignored.
func sqsdPath(given string) (path *url.URL, query string, ok bool) {
	if given == "" || len(given) > maxPath || !plain(given) || given[0] != '/' || strings.HasPrefix(given, "//") {
		return nil, "", false
	}
	given, _, _ = strings.Cut(given, "#")
	given, query, _ = strings.Cut(given, "?")
	path, err := url.ParseRequestURI(given)
	if err != nil || path.Scheme != "" || path.Host != "" || strings.Contains(query, " ") {
		return nil, "", false
	}
	return path, query, true
}

func (sqsd) exceptions() map[int]message.Outcome { return exceptions }

func (sqsd) read(answer *http.Response, _ *message.Message) (*failure, error) {
	return nil, drop(answer)
}
