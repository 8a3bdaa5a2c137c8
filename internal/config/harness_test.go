package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/flags"
)

// input is what somebody starts poller with.
type input struct {
	args string   // split at spaces, where '_' stands for a space within one
	env  []string // NAME=value
	file string   // the text of --config's file; "": none
}

// load reads the input as a verb does.
func load(t *testing.T, in input) (Config, []string, error) {
	t.Helper()
	s := Sources{Environ: in.env, Checks: testChecks()}
	line := flags.New("poller run", &s.Flags)
	args := strings.Fields(in.args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "_", " ")
	}
	if in.file != "" {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("poller.yaml", []byte(in.file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", "poller.yaml")
	}
	if err := line.Parse(args); err != nil {
		return Config{}, nil, err
	}
	s.Given = line.Given()
	return Load(s)
}

func mustLoad(t *testing.T, in input) Config {
	t.Helper()
	c, warnings, err := load(t, in)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, warnings %q", err, warnings)
	}
	return c
}

// testChecks stand in for the target's.
func testChecks() Checks {
	return Checks{
		TargetURL: func(url string) error {
			if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
				return errors.New("the URL does not begin with http:// or https://")
			}
			return nil
		},
		Header: func(line string) error {
			if strings.ContainsAny(line, "\r\n") || !strings.Contains(line, ":") {
				return errors.New("the header is none")
			}
			return nil
		},
		WebhookSecret: func(secret string) error {
			if !strings.HasPrefix(secret, "whsec_") {
				return errors.New("the secret does not begin with whsec_")
			}
			return nil
		},
		SecretHeader: func(name string) bool { return strings.EqualFold(name, "Authorization") },
		FleetURL: func(url string) error {
			if !strings.HasPrefix(url, "redis://") && !strings.HasPrefix(url, "@") {
				return errors.New("invalid scheme: use redis://HOST:6379")
			}
			return nil
		},
	}
}
