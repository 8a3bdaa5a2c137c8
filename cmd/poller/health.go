package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

// healthTimeout is how long the daemon may take to answer.
const healthTimeout = 3 * time.Second

// healthCmd is `poller health`.
type healthCmd struct {
	Listen string `name:"listen" placeholder:"HOST:PORT" help:"The daemon's --listen. Default: POLLER_LISTEN, or port 9500."`
}

// Help shows an example first.
func (c *healthCmd) Help() string {
	return `Example:
  poller health
  HEALTHCHECK CMD ["/poller", "health"]

Asks the daemon on this machine for /-/healthy and prints the answer. Exit codes:
0 if it is healthy, 1 if not. For containers whose image has no shell.`
}

// Run asks once.
func (c *healthCmd) Run(p *process) error {
	address, err := c.address()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.now, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/healthy", nil)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	// A proxy for the target is not one for this machine.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer within %s", address, config.Duration(healthTimeout))
	case err != nil:
		return fmt.Errorf("%s cannot be reached (%w): is the daemon running, and is this its --listen?", address, reasonOf(errors.Unwrap(err)))
	}
	defer func() { _ = answer.Body.Close() }()
	reason, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("%s broke its answer off: %w", address, err)
	}
	text := strings.TrimSpace(string(reason))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d: %s", address, answer.StatusCode, strings.ReplaceAll(text, "\n", "; "))
	}
	_, err = fmt.Fprintln(p.stdout, text)
	return err
}

// address is where the daemon listens, as it is reached from this machine.
func (c *healthCmd) address() (string, error) {
	listen, name := c.Listen, "--listen"
	if listen == "" {
		listen, name = os.Getenv("POLLER_LISTEN"), "POLLER_LISTEN"
	}
	if listen == "" {
		listen = config.DefaultListen(inContainer())
		// A file that is invalid at the moment does not make the daemon unhealthy.
		if found, err := config.LoadAdmin(config.Sources{Environ: os.Environ(), Container: inContainer()}); err == nil {
			listen = found.Listen
		}
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return "", fmt.Errorf("%s: invalid address %q: use HOST:PORT or :PORT, such as :9500", name, listen)
	}
	return local(listen), nil
}
