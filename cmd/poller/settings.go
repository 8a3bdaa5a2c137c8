package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"poller/internal/app"
	"poller/internal/config"
)

// settings are the daemon's, embedded in the verbs that work with them.
type settings struct {
	config.Flags `embed:""`

	given []string
}

// AfterApply notes which flags stood on the command line: kong calls it.
func (s *settings) AfterApply(c *kong.Context) error {
	s.given = nil
	for _, step := range c.Path {
		if step.Flag == nil {
			continue
		}
		if name := step.Flag.Name; slices.Contains(s.given, name) && !step.Flag.IsSlice() {
			return fmt.Errorf("--%s: it stands there twice: leave one out", name)
		}
		s.given = append(s.given, step.Flag.Name)
	}
	return nil
}

// load reads the settings from flags, variables and the file, as they are now.
func (s *settings) load() (config.Config, []string, error) {
	return config.Load(config.Sources{
		Flags:   s.Flags,
		Given:   s.given,
		Environ: os.Environ(),
		Checks:  app.Checks(),
	})
}
