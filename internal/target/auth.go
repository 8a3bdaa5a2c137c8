package target

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/textproto"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Auth says how requests prove who sends them. The zero value: they do not.
type Auth struct {
	OAuth2  OAuth2
	AWS     AWS
	Webhook Webhook
}

// OAuth2 authorizes requests by tokens for client credentials (RFC 6749, section 4.4).
type OAuth2 struct {
	// TokenURL is the token endpoint; empty means no OAuth2.
	TokenURL string
	ClientID string
	// ClientSecret is the secret, or @ and the file that it is in.
	ClientSecret string
	// Scopes are separated by spaces.
	Scopes   string
	Audience string
	// Style is how the client's credentials are sent: basic or form; empty means basic.
	Style string
}

// AWS signs requests with Signature Version 4.
type AWS struct {
	// Service is the name in the signature, such as lambda; empty means no signature.
	Service, Region string
	Credentials     aws.CredentialsProvider
}

// Webhook signs requests as Standard Webhooks does.
type Webhook struct {
	// Secrets are one, or two during a rotation: each the secret, or @ and the file that it is
	// in. Empty means no signature.
	Secrets []string
}

// A signer proves who sends a request.
type signer interface {
	// sign adds its headers to a request that is ready otherwise. A dialError means that it
	// could not.
	sign(ctx context.Context, x *exchange, id string) error
}

// newSigners returns the signers in the order in which they sign: a signature of AWS covers
// all headers. tokens is one of them, or nil.
func newSigners(o Options, hasUser bool) (all []signer, tokens *tokens, err error) {
	a, log := o.Auth, o.Logger.With("target", o.Name)
	if hasUser = hasUser || slices.ContainsFunc(o.Headers, func(h Header) bool {
		return textproto.CanonicalMIMEHeaderKey(h.Name) == "Authorization"
	}); hasUser && (a.OAuth2.TokenURL != "" || a.AWS.Service != "") {
		return nil, nil, errors.New("--oauth2-token-url and --sign-aws set the Authorization header: " +
			"omit the one in --header, or the user in --target")
	}
	if a.OAuth2.TokenURL != "" && a.AWS.Service != "" {
		return nil, nil, errors.New("--oauth2-token-url and --sign-aws both set the Authorization header: keep one of them")
	}
	if a.OAuth2.TokenURL != "" {
		if tokens, err = newTokens(a.OAuth2, o.DialContext, log); err != nil {
			return nil, nil, err
		}
		all = append(all, tokens)
	}
	if len(a.Webhook.Secrets) > 0 {
		w, err := newWebhook(a.Webhook.Secrets, log)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, w)
	}
	if a.AWS.Service != "" {
		all = append(all, newAWSSigner(a.AWS))
	}
	return all, tokens, nil
}

// sign has all signers sign the request for the message with this id.
func (t *HTTP) sign(ctx context.Context, x *exchange, id string) error {
	for _, s := range t.signers {
		if err := s.sign(ctx, x, id); err != nil {
			return err
		}
	}
	return nil
}

// again tells the tokens what an answer means for the one that was sent, and reports whether
// the message should be tried again with another one, without a strike.
func (t *HTTP) again(ctx context.Context, x *exchange, answer *http.Response, id string) bool {
	if t.tokens == nil {
		return false
	}
	if answer.StatusCode != http.StatusUnauthorized {
		t.tokens.accepted(x.token, id)
		return false
	}
	renew := t.tokens.refused(x.token, id)
	if renew {
		t.tokens.logger.DebugContext(ctx, "the target refused its token: renewing it", slog.String("message_id", id))
	}
	return renew
}

// TryToken fetches an OAuth2 token, and returns when it ends; the zero time means never.
func (t *HTTP) TryToken(ctx context.Context) (time.Time, error) {
	if t.tokens == nil {
		return time.Time{}, errors.New("no OAuth2 is configured")
	}
	found, err := t.tokens.get(ctx)
	if failed, ok := errors.AsType[*dialError](err); ok {
		return time.Time{}, errors.New(failed.detail)
	} else if err != nil {
		return time.Time{}, err
	}
	return found.end, nil
}
