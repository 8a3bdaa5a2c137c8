package main

import (
	"fmt"
	"os"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/flags"
)

// settings are the daemon's, embedded in the verbs that work with them.
type settings struct {
	config.Flags `embed:""`

	given []string
}

// note keeps which flags stood on the command line: they go before variables and the
// file.
func (s *settings) note(taken *flags.Set) error {
	if name := taken.Twice(); name != "" {
		return fmt.Errorf("--%s: given twice: remove one", name)
	}
	s.given = taken.Given()
	return nil
}

// load reads the settings from flags, variables and the file, as they are now.
func (s *settings) load() (config.Config, []string, error) {
	return config.Load(config.Sources{
		Flags:     s.Flags,
		Given:     s.given,
		Environ:   os.Environ(),
		Checks:    app.Checks(),
		Container: inContainer(),
		Memory:    containerMemory(),
	})
}
