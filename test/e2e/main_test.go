//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// poller is the path of the binary under test, built with the race detector: a
// race ends it with an exit code that no test wants.
var poller string

// servers are what every test runs against.
var servers []server

func TestMain(m *testing.M) {
	code, err := prepareAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func prepareAndRun(m *testing.M) (code int, err error) {
	if servers, err = serversFrom(os.Getenv("POLLER_E2E_SERVERS")); err != nil {
		return 0, err
	}
	folder, err := os.MkdirTemp("", "poller-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	poller = filepath.Join(folder, "poller")
	ctx := context.Background()
	build := exec.CommandContext(ctx, "go", "build", "-race", "-o", poller, "github.com/sqs-poller/poller/cmd/poller")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	for i := range servers {
		if servers[i].endpoint == "" {
			local, err := startLocalsqs(ctx)
			if err != nil {
				return 0, err
			}
			defer func() { err = errors.Join(err, local.stop()) }()
			servers[i].endpoint = local.endpoint
		}
	}
	for _, l := range limits {
		for _, s := range servers {
			if s.name == l.server {
				fmt.Printf("%s cannot: %s: %s\n", l.server, l.what, l.reason)
			}
		}
	}
	code = m.Run()
	http.DefaultClient.CloseIdleConnections()
	return code, nil
}
