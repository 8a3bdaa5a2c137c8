package receiver

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A Proof is how requests prove who sends them: webhook=@FILE, aws=SERVICE or bearer=@FILE.
// It holds no secret, but the file that one is in.
type Proof struct{ kind, of string }

const (
	byWebhook = "webhook"
	byAWS     = "aws"
	byBearer  = "bearer"
)

// UnmarshalText parses a proof. Its errors do not contain it: somebody may have written a
// secret.
func (p *Proof) UnmarshalText(text []byte) error {
	kind, of, _ := strings.Cut(string(text), "=")
	file, isFile := strings.CutPrefix(of, "@")
	switch {
	case kind != byWebhook && kind != byAWS && kind != byBearer:
		return errors.New("use webhook=@FILE, aws=SERVICE or bearer=@FILE")
	case kind == byAWS && !isLabel(of):
		return errors.New("name the service that requests are signed for, such as aws=lambda or aws=execute-api")
	case kind != byAWS && (!isFile || file == ""):
		return fmt.Errorf("a secret on the command line can be read by everybody on the machine: use %s=@FILE", kind)
	case kind != byAWS:
		of = file
	}
	*p = Proof{kind, of}
	return nil
}

// isLabel reports whether s is like the name of a service or a region.
func isLabel(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// A Verifier verifies that a request is from whom it should be.
type Verifier func(r *http.Request, body []byte) *Problem

// Verifiers reads the secrets that proofs need, and returns what verifies requests. Of
// proofs of the same kind a request needs one, as during a rotation; of each kind it needs
// one.
func Verifiers(ctx context.Context, proofs []Proof) ([]Verifier, error) {
	var secrets, tokens, services []string
	for _, p := range proofs {
		switch p.kind {
		case byAWS:
			services = append(services, p.of)
		case byWebhook:
			secret, err := secretIn(p.of)
			if err != nil {
				return nil, fmt.Errorf("webhook=@%s: %w", p.of, err)
			}
			secrets = append(secrets, secret)
		case byBearer:
			token, err := secretIn(p.of)
			if err != nil {
				return nil, fmt.Errorf("bearer=@%s: %w", p.of, err)
			}
			tokens = append(tokens, strings.TrimPrefix(token, "Bearer ")) // the worker's --header takes the same file
		}
	}
	var all []Verifier
	if len(secrets) > 0 {
		v, err := webhookVerifier(secrets)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if len(tokens) > 0 {
		all = append(all, bearerVerifier(tokens))
	}
	if len(services) > 0 {
		cfg, err := awsconfig.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, errors.New("aws: the AWS settings of this machine cannot be read: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
		}
		if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
			return nil, errors.New("aws: no credentials to verify signatures with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, to those that the worker has")
		}
		all = append(all, signatures{services, cfg.Region, cfg.Credentials}.verify)
	}
	return all, nil
}

// secretIn reads a secret from a file.
func secretIn(path string) (string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the user's own setting
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", errors.New("the file is empty")
	}
	return secret, nil
}

// webhookVerifier verifies the signatures of Standard Webhooks.
func webhookVerifier(secrets []string) (Verifier, error) {
	var keys []*standardwebhooks.Webhook
	for _, secret := range secrets {
		key, err := standardwebhooks.NewWebhook(secret)
		if err != nil || !strings.HasPrefix(secret, "whsec_") {
			return nil, errors.New("webhook: a file does not have a secret: use whsec_ and 24 to 64 random bytes in base64")
		}
		keys = append(keys, key)
	}
	return func(r *http.Request, body []byte) *Problem {
		if _, p := all(r, webhookID, webhookTimestamp, webhookSignature); p != nil {
			return denied("%s", p.Text)
		}
		stale := false
		for _, key := range keys {
			err := key.Verify(body, r.Header)
			if err == nil {
				return nil
			}
			stale = stale || errors.Is(err, standardwebhooks.ErrMessageTooOld) || errors.Is(err, standardwebhooks.ErrMessageTooNew)
		}
		if stale {
			return denied("the webhook signature is more than 5 minutes old, or from the future: compare the clocks")
		}
		return denied("the webhook signature does not match: the secret is another, or the body was changed")
	}, nil
}

// bearerVerifier verifies bearer tokens.
func bearerVerifier(tokens []string) Verifier {
	return func(r *http.Request, _ []byte) *Problem {
		given := r.Header.Get("Authorization")
		if given == "" {
			return denied("the Authorization header is missing")
		}
		token, isBearer := strings.CutPrefix(given, "Bearer ")
		switch {
		case !isBearer:
			return denied("the Authorization header does not begin with Bearer and a space")
		case !slices.ContainsFunc(tokens, func(t string) bool { return subtle.ConstantTimeCompare([]byte(t), []byte(token)) == 1 }):
			return denied("the bearer token is another")
		}
		return nil
	}
}

// denied is a problem of who sends the request.
func denied(format string, args ...any) *Problem {
	return &Problem{http.StatusUnauthorized, fmt.Sprintf(format, args...)}
}
