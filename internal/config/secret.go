package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// refuseSecrets refuses what others could read in the list of processes, and says
// how to give it instead.
func (s Sources) refuseSecrets() error {
	if slices.Contains(s.Given, "target") {
		if u, err := url.Parse(s.Flags.Target.URL); err == nil && u.User != nil {
			return errors.New("--target: user and password are secrets, and other users can read the command line: " +
				"set POLLER_TARGET to the URL, or write it in a --config file")
		}
	}
	if slices.Contains(s.Given, "fleet-redis") {
		if u, err := url.Parse(s.Flags.Config.Fleet.Redis); err == nil {
			// With Sentinel the one before the host is Sentinel's own, and the server's is a parameter.
			if _, secret := u.User.Password(); secret || u.Query().Has("password") {
				return errors.New("--fleet-redis: the password is a secret, and other users can read the command line: " +
					"write @FILE with the URL, add ?password_file=FILE to it, set POLLER_FLEET_REDIS, or write it in a --config file")
			}
		}
	}
	if token := s.Flags.Config.ControlToken; slices.Contains(s.Given, controlToken) && !strings.HasPrefix(token, "@") {
		return errors.New("--control-token: it is a secret, and other users can read the command line: " +
			"write @FILE, or set POLLER_CONTROL_TOKEN, or write it in a --config file")
	}
	auth := s.Flags.Target.Auth
	for flag, values := range map[string][]string{
		"oauth2-client-secret": {auth.OAuth2.ClientSecret}, "webhook-secret": auth.Webhook.Secrets,
	} {
		if slices.Contains(s.Given, flag) && slices.ContainsFunc(values, func(v string) bool { return !strings.HasPrefix(v, "@") }) {
			return fmt.Errorf("--%s: it is a secret, and other users can read the command line: "+
				"write @FILE, or set %s, or write it in a --config file", flag, Variable(flag))
		}
	}
	if !slices.Contains(s.Given, "header") {
		return nil
	}
	for _, line := range s.Flags.Target.Headers {
		name, value, _ := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if s.Checks.SecretHeader(name) && !strings.HasPrefix(strings.TrimLeft(value, " \t"), "@") {
			return fmt.Errorf("--header: the value of %s is a secret, and other users can read the command line: "+
				"write '%s: @FILE', or set POLLER_HEADER, or write it in a --config file", name, name)
		}
	}
	return nil
}
