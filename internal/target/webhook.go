package target

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix = "whsec_"
	// The sizes of a key: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
	minKey, maxKey = 24, 64
)

// ValidateWebhookSecret returns an error if a secret is not whsec_ and 24 to 64 bytes in
// base64. The error does not contain it.
func ValidateWebhookSecret(secret string) error {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return errors.New("the secret does not begin with whsec_: use whsec_ and 24 to 64 random bytes in base64, or @FILE")
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return errors.New("what follows whsec_ is not base64: use 24 to 64 random bytes in base64")
	}
	if len(key) < minKey || len(key) > maxKey {
		return fmt.Errorf("the key has %d bytes: use 24 to 64 random bytes in base64", len(key))
	}
	return nil
}

// webhook signs by Standard Webhooks 1.0.
type webhook struct{ secrets []*secret }

func newWebhook(settings []string, log *slog.Logger) (*webhook, error) {
	w := &webhook{}
	for _, setting := range settings {
		s, err := newSecret(setting, ValidateWebhookSecret, log)
		if err != nil {
			return nil, fmt.Errorf("--webhook-secret: %w", err)
		}
		w.secrets = append(w.secrets, s)
	}
	return w, nil
}

func (w *webhook) sign(ctx context.Context, x *exchange, id string) error {
	now, body := time.Now(), []byte(x.text)
	if !plain(id) {
		id = encode(id)
	}
	signatures := make([]string, 0, len(w.secrets))
	for _, s := range w.secrets {
		by, err := standardwebhooks.NewWebhook(s.current(ctx))
		if err != nil {
			return err // every secret was validated
		}
		signature, err := by.Sign(id, now, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	x.head.raw("Webhook-Id", id)
	x.head.raw("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	x.head.raw("Webhook-Signature", strings.Join(signatures, " "))
	return nil
}
