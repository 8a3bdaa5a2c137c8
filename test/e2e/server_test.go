//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// server is an SQS server to test against.
type server struct {
	name     string
	endpoint string
}

// feature is something that SQS does and a server may not.
type feature string

const brokenPolls feature = "keep a message whose long poll is gone"

// limits are what the servers cannot do, each with its reason. docs/testing.md has
// the same table.
var limits = []struct {
	server string
	what   feature
	reason string
}{
	{"elasticmq", brokenPolls, "it hands the message to the closed connection, and it is in flight until its visibility ends"},
	{"localstack", brokenPolls, "it hands the message to the closed connection, and it is in flight until its visibility ends"},
}

// can reports whether the server does what SQS does, and logs why not.
func (s server) can(t *testing.T, what feature) bool {
	t.Helper()
	for _, l := range limits {
		if l.server == s.name && l.what == what {
			t.Logf("%s cannot: %s: %s", s.name, what, l.reason)
			return false
		}
	}
	return true
}

// variables send an AWS SDK to the server.
func (s server) variables() []string {
	return []string{
		"AWS_ENDPOINT_URL_SQS=" + s.endpoint,
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// serversFrom reads POLLER_E2E_SERVERS: names, each with =ENDPOINT, separated by
// white space.
func serversFrom(list string) ([]server, error) {
	var all []server
	for entry := range strings.FieldsSeq(list) {
		name, endpoint, _ := strings.Cut(entry, "=")
		switch {
		case name != "localsqs" && name != "elasticmq" && name != "localstack":
			return nil, fmt.Errorf("POLLER_E2E_SERVERS: %q is none of localsqs, elasticmq, localstack", name)
		case name != "localsqs" && endpoint == "":
			return nil, fmt.Errorf("POLLER_E2E_SERVERS: %s needs its endpoint: write %[1]s=http://127.0.0.1:PORT", name)
		}
		all = append(all, server{name: name, endpoint: endpoint})
	}
	if len(all) == 0 {
		return nil, errors.New("POLLER_E2E_SERVERS is empty: use a value such as " +
			"'localsqs elasticmq=http://127.0.0.1:9324 localstack=http://127.0.0.1:4566'")
	}
	return all, nil
}

// localsqs is the embedded server as a process: `poller localsqs`.
type localsqs struct {
	endpoint string
	process  *exec.Cmd
}

func startLocalsqs(ctx context.Context) (*localsqs, error) {
	l := &localsqs{process: exec.CommandContext(ctx, poller, "localsqs", "--listen", "127.0.0.1:0")}
	out, err := l.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var complaints strings.Builder
	l.process.Stderr = &complaints
	if err := l.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, value, ok := strings.Cut(lines.Text(), "export AWS_ENDPOINT_URL_SQS="); ok {
			l.endpoint = value
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return l, nil
		}
	}
	return nil, fmt.Errorf("poller localsqs printed no endpoint: %w: %s", l.process.Wait(), complaints.String())
}

func (l *localsqs) stop() error {
	if err := l.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := l.process.Wait(); err != nil {
		return fmt.Errorf("poller localsqs: %w\n%v", err, l.process.Stderr)
	}
	return nil
}
