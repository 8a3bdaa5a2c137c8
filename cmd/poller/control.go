package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/flags"
)

// controlTimeout is how long the daemon may take to answer.
const controlTimeout = 5 * time.Second

// daemonOf is how a verb finds the daemon on this machine: by the daemon's own settings.
type daemonOf struct {
	config.AdminFlags `embed:""`

	given []string
}

// note keeps which flags stood on the command line.
func (d *daemonOf) note(taken *flags.Set) error {
	if name := taken.Twice(); name != "" {
		return fmt.Errorf("--%s: given twice: remove one", name)
	}
	d.given = taken.Given()
	return nil
}

func (d *daemonOf) load() (config.Admin, error) {
	return config.LoadAdmin(d.Sources(d.given, os.Environ(), inContainer()))
}

// control sends a change to the daemon, and prints what it changed.
func (d *daemonOf) control(p *process, action string, change map[string]any) error {
	found, err := d.load()
	if err != nil {
		return err
	}
	if found.TokenError != nil {
		return found.TokenError
	}
	if found.ControlToken == "" {
		return errors.New("no control token given: set --control-token @FILE or POLLER_CONTROL_TOKEN as for the daemon, " +
			"or name its file with --config")
	}
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	status, answer, err := ask(p.now, http.MethodPost, found, "/-/"+action, body)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("the daemon at %s has no control token, so its admin port is read-only: start it with --control-token", local(found.Listen))
	case http.StatusUnauthorized:
		return fmt.Errorf("the daemon at %s has another control token: give the one that it was started with", local(found.Listen))
	default:
		return errors.New(asFlag(strings.TrimSpace(string(answer))))
	}
	var done struct {
		Changed []string `json:"changed"`
	}
	if err := json.Unmarshal(answer, &done); err != nil {
		return fmt.Errorf("%s gave an answer that is not poller's: is this its --listen?", local(found.Listen))
	}
	for _, text := range done.Changed {
		if _, err := fmt.Fprintln(p.stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// asFlag is a sentence of the daemon that begins with the name of a field, with that of the
// flag.
func asFlag(text string) string {
	if field, _, found := strings.Cut(text, ": "); found && slices.Contains([]string{"rate", "concurrency", "for", "by", "fleet"}, field) {
		return "--" + text
	}
	return text
}

// ask sends one request to the daemon on this machine.
func ask(ctx context.Context, method string, to config.Admin, path string, body []byte) (status int, answer []byte, err error) {
	address := local(to.Listen)
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("--listen: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if to.ControlToken != "" {
		request.Header.Set("Authorization", "Bearer "+to.ControlToken)
	}
	// A proxy for the target is not one for this machine.
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return 0, nil, fmt.Errorf("%s did not answer within %s", address, config.Duration(controlTimeout))
	case err != nil:
		return 0, nil, fmt.Errorf("%s cannot be reached (%w): is the daemon running, and is this its --listen?", address, reasonOf(errors.Unwrap(err)))
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return 0, nil, fmt.Errorf("%s broke its answer off: %w", address, err)
	}
	return response.StatusCode, answer, nil
}

// local is an address to listen on, as it is reached from this machine.
func local(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
