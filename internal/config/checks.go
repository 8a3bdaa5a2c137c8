package config

// Checks are what Load asks other rooms. All of them are needed.
type Checks struct {
	// TargetURL says what is wrong with a target's URL, and never repeats it.
	TargetURL func(url string) error
	// Header says what is wrong with "Name: value" or "Name: @file", and never
	// repeats the value.
	Header func(line string) error
	// SecretHeader reports whether the value of a header of this name is a secret.
	SecretHeader func(name string) bool
	// WebhookSecret says what is wrong with a webhook's secret, and never repeats it.
	WebhookSecret func(secret string) error
	// FleetURL says what is wrong with a coordinator's URL, and never repeats it.
	FleetURL func(url string) error
}
