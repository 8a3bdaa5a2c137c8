package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/sqs-poller/poller/internal/app"
)

// version and commit are set by the linker:
// -ldflags "-X main.version=1.2.3 -X main.commit=0123abc".
var version, commit string

// versionCmd is `poller version`.
type versionCmd struct {
	Verbose bool `name:"verbose" short:"v" help:"Also print the modules that it was built with."`
}

// Help shows an example first.
func (c *versionCmd) Help() string {
	return `Example:
  poller version --verbose

Prints the version, the commit and the version of Go it was built with.`
}

// Run prints the build.
func (c *versionCmd) Run(p *process) error {
	b := build()
	var text strings.Builder
	fmt.Fprintf(&text, "poller %s\ncommit %s\n%s %s/%s\n", b.Version, b.Commit, b.GoVersion, runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok && c.Verbose {
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			fmt.Fprintf(&text, "%s %s\n", m.Path, m.Version)
		}
	}
	_, err := io.WriteString(p.stdout, text.String())
	return err
}

// build says what this program was built from, as far as it is known.
func build() app.Build {
	b := app.Build{Version: "devel", Commit: "unknown", GoVersion: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := strings.TrimPrefix(info.Main.Version, "v"); v != "" && v != "(devel)" { // go install: v1.2.3
			b.Version = v
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				b.Commit = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				b.Commit += "+changes"
			}
		}
	}
	if version != "" {
		b.Version = version
	}
	if commit != "" {
		b.Commit = commit
	}
	return b
}
