package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Admin is how the daemon on this machine is reached by commands beside it.
type Admin struct {
	// Listen is the daemon's.
	Listen string
	// ControlToken is the token itself; empty: there is none. TokenError is why it is not
	// known.
	ControlToken string
	TokenError   error
}

// LoadAdmin reads, from the same sources as the daemon, where it listens and the token of
// its control API. It looks at no other setting, so that a file that is being edited, or
// that has several queues, is no obstacle.
func LoadAdmin(s Sources) (Admin, error) {
	environ := readEnviron(s.Environ)
	if err := s.refuseSecrets(); err != nil {
		return Admin{}, err
	}
	d, err := s.readFile(environ)
	if err != nil {
		return Admin{}, err
	}
	for _, setting := range Settings() {
		if setting.Flag != "listen" && setting.Flag != controlToken {
			continue
		}
		if err := d.overlay(setting, s, environ); err != nil {
			return Admin{}, err
		}
	}
	c, n := d.daemon.value, d.daemon.names
	if c.Listen == "" {
		c.Listen = DefaultListen(s.Container)
	}
	if !isAddress(c.Listen) {
		return Admin{}, n.problem("listen", "invalid address: use HOST:PORT or :PORT, such as :9500")
	}
	a := Admin{Listen: c.Listen}
	err = ValidateControlToken(c.ControlToken)
	if err == nil {
		a.ControlToken, err = ReadControlToken(c.ControlToken)
	}
	if err != nil {
		a.TokenError = n.problem("control_token", "%w", err)
	}
	return a, nil
}

// ReadControlToken returns the token that a setting says, or that is in the file that it
// names. Its error never repeats it.
func ReadControlToken(setting string) (string, error) {
	file, isFile := strings.CutPrefix(setting, "@")
	if !isFile {
		return setting, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return "", fmt.Errorf("%s cannot be read (%w)", file, withoutPath(err))
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("%s is empty: put a token in it, for example with openssl rand -hex 32", file)
	}
	if err := checkControlToken(token); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return token, nil
}

// AdminFlags are the settings by which commands find the daemon, to be embedded in a verb.
type AdminFlags struct {
	File         string `yaml:"-" name:"config" placeholder:"FILE" help:"The daemon's YAML file, for its listen and control_token."`
	Listen       string `yaml:"-" name:"listen" placeholder:"HOST:PORT" help:"The daemon's --listen. Default: port 9500."`
	ControlToken string `yaml:"-" name:"control-token" placeholder:"@FILE" help:"The file with the daemon's token."`
}

// Sources are these flags as sources of settings. given are the names of those that stood
// on the command line.
func (f AdminFlags) Sources(given, environ []string, container bool) Sources {
	s := Sources{Environ: environ, Container: container}
	s.Flags.File, s.Flags.Config.Listen, s.Flags.Config.ControlToken = f.File, f.Listen, f.ControlToken
	for _, name := range []string{"config", "listen", controlToken} {
		if slices.Contains(given, name) {
			s.Given = append(s.Given, name)
		}
	}
	return s
}
