package app

import (
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/fleet"
	"github.com/sqs-poller/poller/internal/target"
)

// Checks returns the checks of the configuration that other packages make.
func Checks() config.Checks {
	return config.Checks{
		TargetURL: target.ValidateURL,
		Header: func(line string) error {
			_, err := target.ParseHeader(line)
			return err
		},
		WebhookSecret: target.ValidateWebhookSecret,
		SecretHeader:  target.IsSecretName,
		FleetURL: func(url string) error {
			_, err := fleet.ParseURL(url)
			return err
		},
	}
}

// Rejects reports whether --on-rejected applies to an answer with this status, such as 422, or
// of this class, such as 4xx.
func Rejects(answer string) bool { return target.Rejects(answer) }
