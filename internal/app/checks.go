package app

import (
	"poller/internal/config"
	"poller/internal/target"
)

// Checks are what the configuration asks other rooms about its values.
func Checks() config.Checks {
	return config.Checks{
		TargetURL: target.ValidateURL,
		Header: func(line string) error {
			_, err := target.ParseHeader(line)
			return err
		},
		SecretHeader: target.IsSecretName,
	}
}
