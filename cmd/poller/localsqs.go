package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
	"github.com/sqs-poller/poller/internal/localsqs"
)

// localsqsCmd is `poller localsqs`.
type localsqsCmd struct {
	Listen            string          `name:"listen" default:"127.0.0.1:9324" placeholder:"HOST:PORT" help:"Loopback address to listen on. Port 0 chooses a free one."`
	Queues            []string        `name:"queue" placeholder:"NAME" help:"A queue to create; NAME.fifo creates a FIFO queue. May be repeated."`
	VisibilityTimeout config.Duration `name:"visibility-timeout" default:"30s" placeholder:"DURATION" help:"Visibility timeout of these queues."`
	MaxReceiveCount   int             `name:"max-receive-count" placeholder:"N" help:"After how many receives a message of these queues goes to the dead-letter queue NAME-dlq (NAME-dlq.fifo), which is created too. Default: never."`
}

// Help shows an example first.
func (c *localsqsCmd) Help() string {
	return `Example:
  poller localsqs --queue orders

An in-memory SQS server, for trying things out and for tests. Any AWS SDK and the
AWS command line work with it, with any credentials. It prints the URLs of its
queues and the variables that point a client at it. Messages are lost when it stops.`
}

// Run serves until the first signal.
func (c *localsqsCmd) Run(p *process) error {
	if !isLoopback(c.Listen) {
		return fmt.Errorf("--listen %s: localsqs checks no credentials, so it listens on loopback addresses only: "+
			"use 127.0.0.1:9324 or [::1]:9324", c.Listen)
	}
	// The server should be small next to what is tried with it: memory is released when a
	// queue was emptied.
	debug.SetGCPercent(50)
	server := localsqs.New(localsqs.WithRelease(debug.FreeOSMemory))
	defer server.Close()
	names, err := c.create(server)
	if err != nil {
		return err
	}
	l, err := listenAt(p.drain, c.Listen)
	if err != nil {
		return err
	}
	c.introduce(p, "http://"+l.Addr().String(), names)

	web := demo.NewServer(p.drain, server)
	defer context.AfterFunc(p.drain, func() { _ = web.Close() })()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve at %s: %w", l.Addr(), err)
	}
	return nil
}

// create makes the queues, and says all that there are.
func (c *localsqsCmd) create(server *localsqs.Server) ([]string, error) {
	visibility := time.Duration(c.VisibilityTimeout)
	if visibility%time.Second != 0 || visibility < 0 || visibility > 12*time.Hour {
		return nil, fmt.Errorf("--visibility-timeout %s: use whole seconds, at most 12h, such as 30s", c.VisibilityTimeout)
	}
	if c.MaxReceiveCount < 0 || c.MaxReceiveCount > 1000 {
		return nil, fmt.Errorf("--max-receive-count %d: use 1 to 1000, or omit it for no dead-letter queue", c.MaxReceiveCount)
	}
	var names []string
	add := func(queue, name string, attributes map[string]string) error {
		if strings.HasSuffix(name, ".fifo") {
			attributes["FifoQueue"] = "true"
		}
		if _, err := server.CreateQueue(name, attributes); err != nil {
			return fmt.Errorf("--queue %q: %w", queue, err)
		}
		names = append(names, name)
		return nil
	}
	for _, name := range c.Queues {
		attributes := map[string]string{"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds()))}
		if c.MaxReceiveCount > 0 {
			dead := deadLetterName(name)
			if err := add(name, dead, map[string]string{"MessageRetentionPeriod": longestRetention}); err != nil {
				return nil, err
			}
			attributes["RedrivePolicy"] = redrivePolicy(dead, c.MaxReceiveCount)
		}
		if err := add(name, name, attributes); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// longestRetention is 14 days, as poller check advises for dead-letter queues.
const longestRetention = "1209600"

func deadLetterName(name string) string {
	stem, isFIFO := strings.CutSuffix(name, ".fifo")
	if isFIFO {
		return stem + "-dlq.fifo"
	}
	return stem + "-dlq"
}

func redrivePolicy(deadLetter string, maxReceiveCount int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`,
		deadLetter, maxReceiveCount)
}

// introduce prints what a client needs, ready to be pasted.
func (c *localsqsCmd) introduce(p *process, endpoint string, names []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SQS is at %s, in memory. Queues:\n", endpoint)
	for _, name := range names {
		fmt.Fprintf(&b, "  %s/000000000000/%s\n", endpoint, name)
	}
	if len(names) == 0 {
		b.WriteString("  none yet: --queue NAME creates one, or CreateQueue\n")
	}
	fmt.Fprintf(&b, `
For the terminal in which you use it:
  export AWS_ENDPOINT_URL_SQS=%s
  export AWS_REGION=us-east-1
  export AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=local
  export AWS_SECRET_ACCESS_KEY=local

Version 1 of the AWS command line also needs --endpoint-url %[1]s.
Ctrl-C stops it.
`, endpoint)
	_, _ = fmt.Fprint(p.stdout, b.String())
}
