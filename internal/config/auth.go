package config

import (
	"slices"
	"strings"
)

// Auth says how requests to a target prove who sends them.
type Auth struct {
	OAuth2  OAuth2  `yaml:"oauth2" embed:"" prefix:"oauth2-"`
	AWS     SigV4   `yaml:"aws" embed:""`
	Webhook Webhook `yaml:"webhook" embed:""`
}

// OAuth2 is a client of an OAuth2 server.
type OAuth2 struct {
	TokenURL string `yaml:"token_url" name:"token-url" placeholder:"URL" help:"Token endpoint of an OAuth2 server: requests carry a token for client credentials."`
	ClientID string `yaml:"client_id" name:"client-id" placeholder:"ID" help:"Client id at the token endpoint."`
	// ClientSecret is the secret, or @ and the file that it is in.
	ClientSecret string `yaml:"client_secret" name:"client-secret" placeholder:"@FILE" help:"Client secret at the token endpoint: @FILE, read again when it changes."`
	// Scopes are separated by spaces.
	Scopes   string `yaml:"scopes" name:"scopes" placeholder:"SCOPES" help:"Scopes to ask for, separated by spaces."`
	Audience string `yaml:"audience" name:"audience" placeholder:"AUDIENCE" help:"Audience to ask for, which some servers need."`
	// Style is basic or form.
	Style string `yaml:"style" name:"style" default:"basic" placeholder:"STYLE" help:"How id and secret are sent to the token endpoint: basic (authentication header) or form."`
}

// SigV4 is a signature with AWS credentials.
type SigV4 struct {
	Service string `yaml:"service" name:"sign-aws" placeholder:"SERVICE" help:"Sign requests with the AWS credentials (Signature Version 4) for a service: execute-api, lambda or vpc-lattice-svcs."`
	Region  string `yaml:"region" name:"sign-aws-region" placeholder:"REGION" help:"Region in that signature. Default: the queue's."`
}

// Webhook is a signature by Standard Webhooks.
type Webhook struct {
	// Secrets are one or two: each the secret, or @ and the file that it is in.
	Secrets []string `yaml:"secrets" name:"webhook-secret" placeholder:"@FILE" help:"Sign requests as Standard Webhooks does, with the secret whsec_… in a file: @FILE, read again when it changes. Given twice during a rotation."`
}

const maxSecrets = 2

// services are those whose requests can be signed.
var services = []string{"execute-api", "lambda", "vpc-lattice-svcs"}

func (a Auth) validate(n names, c Checks) error {
	o := a.OAuth2
	const tokenURL, clientID, clientSecret = "auth.oauth2.token_url", "auth.oauth2.client_id", "auth.oauth2.client_secret" //nolint:gosec // keys, no credentials
	needed := []struct{ key, value string }{{tokenURL, o.TokenURL}, {clientID, o.ClientID}, {clientSecret, o.ClientSecret}}
	for _, key := range []string{tokenURL, clientID, clientSecret, "auth.oauth2.scopes", "auth.oauth2.audience", "auth.oauth2.style"} {
		if !n.has(key) {
			continue
		}
		var missing []string
		for _, other := range needed {
			if other.value == "" {
				missing = append(missing, n.of(other.key))
			}
		}
		if len(missing) > 0 {
			return n.problem(key, "OAuth2 needs more: set %s too", allOf(missing))
		}
	}
	if o.TokenURL != "" {
		if err := c.TargetURL(o.TokenURL); err != nil {
			return n.problem(tokenURL, "%w", err)
		}
	}
	if o.Style != "" && o.Style != "basic" && o.Style != "form" {
		return n.problem("auth.oauth2.style", "invalid style%s: use basic or form", shown(o.Style))
	}
	if a.AWS.Service != "" && !slices.Contains(services, a.AWS.Service) {
		return n.problem("auth.aws.service", "invalid service%s: use %s", shown(a.AWS.Service), oneOf(services))
	}
	if a.AWS.Region != "" && a.AWS.Service == "" {
		return n.problem("auth.aws.region", "nothing is signed: set %s too, or omit it", n.of("auth.aws.service"))
	}
	if len(a.Webhook.Secrets) > maxSecrets {
		return n.problem("auth.webhook.secrets", "more than two secrets: keep the old and the new one")
	}
	for _, secret := range a.Webhook.Secrets {
		if strings.HasPrefix(secret, "@") {
			continue // the target reads it
		}
		if err := c.WebhookSecret(secret); err != nil {
			return n.problem("auth.webhook.secrets", "%w", err)
		}
	}
	return nil
}
