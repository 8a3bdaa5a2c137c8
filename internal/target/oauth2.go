package target

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	fetchTimeout = 10 * time.Second
	// A token is renewed when a fifth of its life is left, or a minute if that is shorter.
	renewShare = 5
	renewEarly = time.Minute
	// A token that ends within a tenth of its life, or 5 s, is not used any more.
	lastShare = 10
	lastUse   = 5 * time.Second
	// leastUse is how long a token is used whatever its life.

	firstFetchPause = time.Second
	maxFetchPause   = 30 * time.Second
	leastUse        = time.Second

	// doubtPause is how long after a renewal because of a 401 a new token that was never
	// accepted is not renewed again.
	doubtPause = time.Minute
	// calmPause is how long after a renewal because of a 401 an accepted token is not
	// renewed again: some messages may get a 401 whatever the token is.
	calmPause = 5 * time.Second
	// maxPardoned bounds the messages that are known to have had a try without a strike.
	maxPardoned = 10_000
)

// tokens are the target's OAuth2 tokens, one at a time. All deliveries share one fetch.
type tokens struct {
	config clientcredentials.Config
	secret *secret
	place  string // of the token endpoint, for errors
	client *http.Client
	logger *slog.Logger

	mu       sync.Mutex    // guards what follows
	current  *token        // nil: there is none
	fetching chan struct{} // closed at the end of the fetch under way; nil: there is none
	cancel   context.CancelFunc
	err      *dialError // of the last fetch
	failures int        // in a row
	notYet   time.Time  // no fetch before it
	renewed  time.Time  // when a 401 last discarded a token
	refusal  bool       // the next token is fetched because of a 401
	pardoned map[string]struct{}
	closed   bool
}

// token is one access token.
type token struct {
	header []string // the value of Authorization
	renew  time.Time
	end    time.Time // zero: never
	// accepted: the target answered something else than 401. successor: it was fetched
	// because of a 401.
	accepted, successor bool
}

func newTokens(o OAuth2, dial func(context.Context, string, string) (net.Conn, error), log *slog.Logger) (*tokens, error) {
	if err := ValidateURL(o.TokenURL); err != nil {
		return nil, fmt.Errorf("--oauth2-token-url: %w", err)
	}
	u, err := url.Parse(o.TokenURL)
	if err != nil || u.User != nil {
		return nil, errors.New("--oauth2-token-url: the URL has a user or password: use --oauth2-client-id and --oauth2-client-secret")
	}
	secret, err := newSecret(o.ClientSecret, notEmpty, log)
	if err != nil {
		return nil, fmt.Errorf("--oauth2-client-secret: %w", err)
	}
	t := &tokens{
		config: clientcredentials.Config{
			ClientID: o.ClientID, TokenURL: o.TokenURL, Scopes: strings.Fields(o.Scopes), AuthStyle: oauth2.AuthStyleInHeader,
		},
		secret: secret, place: u.Scheme + "://" + u.Host, logger: log, pardoned: make(map[string]struct{}),
		client: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, DialContext: dial, ForceAttemptHTTP2: true,
				MaxResponseHeaderBytes: maxAnswerHeaders, IdleConnTimeout: 5 * time.Second,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if o.Style == "form" {
		t.config.AuthStyle = oauth2.AuthStyleInParams
	}
	if o.Audience != "" {
		t.config.EndpointParams = url.Values{"audience": {o.Audience}}
	}
	return t, nil
}

func (t *tokens) sign(ctx context.Context, x *exchange, _ string) error {
	valid, err := t.get(ctx)
	if err != nil {
		return err
	}
	x.token = valid
	x.head.to["Authorization"] = valid.header
	return nil
}

// get returns a token, and waits for a fetch if there is none. After a failed fetch it fails
// immediately until the next one is due.
func (t *tokens) get(ctx context.Context) (*token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		now := time.Now()
		due := !now.Before(t.notYet)
		if c := t.current; c != nil && (c.end.IsZero() || now.Before(c.end)) {
			if due && !c.end.IsZero() && !now.Before(c.renew) {
				t.fetchLocked(ctx)
			}
			return c, nil
		}
		if t.closed || t.fetching == nil && !due {
			return nil, t.err
		}
		t.fetchLocked(ctx)
		done := t.fetching
		t.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
		}
		t.mu.Lock()
		if ctx.Err() != nil {
			return nil, &dialError{reason: reasonToken, detail: "the token endpoint " + t.place + " did not answer in time"}
		}
	}
}

// fetchLocked starts a fetch, unless one is under way. It does not end with the delivery
// that needed it first.
func (t *tokens) fetchLocked(ctx context.Context) {
	if t.fetching != nil {
		return
	}
	done := make(chan struct{})
	t.fetching = done
	ctx, t.cancel = context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	go func() {
		defer close(done)
		config := t.config
		config.ClientSecret = t.secret.current(ctx)
		asked := time.Now()
		found, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
		why := ""
		switch {
		case err != nil:
			why = t.sentence(ctx, err)
		case !validBearer(found.AccessToken) || !strings.EqualFold(found.Type(), "Bearer"):
			why = fmt.Sprintf("the answer of the token endpoint %s has no bearer token", t.place)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.cancel()
		t.fetching = nil
		t.fetched(ctx, asked, found, why)
	}()
}

// fetched takes in the result of a fetch: a token, or why there is none.
func (t *tokens) fetched(ctx context.Context, asked time.Time, found *oauth2.Token, why string) {
	now := time.Now()
	if why != "" {
		t.err = &dialError{reason: reasonToken, detail: why}
		t.notYet = now.Add(min(maxFetchPause, firstFetchPause<<min(t.failures, 5)))
		if t.failures++; t.failures == 1 {
			t.logger.WarnContext(ctx, "no token from the token endpoint: trying again", slog.String("reason", why))
		}
		return
	}
	if t.failures > 0 {
		t.logger.InfoContext(ctx, "the token endpoint works again")
	}
	t.failures, t.err, t.notYet = 0, nil, time.Time{}
	next := &token{header: []string{"Bearer " + found.AccessToken}, successor: t.refusal}
	if !found.Expiry.IsZero() {
		life := found.Expiry.Sub(asked)
		next.renew = found.Expiry.Add(-min(life/renewShare, renewEarly))
		next.end = found.Expiry.Add(-min(life/lastShare, lastUse))
		if least := now.Add(leastUse); next.end.Before(least) { // no more than one fetch a second
			next.renew, next.end = least, least
		}
	}
	t.current, t.refusal = next, false
}

// refused takes in a 401, and reports whether the message should be tried again without a
// strike: once, with a newer token.
func (t *tokens) refused(used *token, id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, again := t.pardoned[id]; again {
		delete(t.pardoned, id)
		return false
	}
	now := time.Now()
	switch since := now.Sub(t.renewed); {
	case used != t.current: // there is a newer one, or it is being fetched
	case !used.accepted && used.successor && since < doubtPause:
		return false
	case !used.accepted || since >= calmPause:
		t.current, t.renewed, t.refusal = nil, now, true
	}
	if len(t.pardoned) >= maxPardoned {
		clear(t.pardoned)
	}
	t.pardoned[id] = struct{}{}
	return true
}

// accepted takes in any other answer.
func (t *tokens) accepted(used *token, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	used.accepted = true
	delete(t.pardoned, id)
}

// close ends the fetch under way, and waits for it.
func (t *tokens) close() {
	t.mu.Lock()
	t.closed = true
	if t.err == nil {
		t.err = &dialError{reason: reasonToken, detail: "poller is stopping"}
	}
	done := t.fetching
	if done != nil {
		t.cancel()
	}
	t.mu.Unlock()
	if done != nil {
		<-done
	}
	t.client.CloseIdleConnections()
}

// validBearer reports whether a token can stand in a header (RFC 6750, section 2.1).
func validBearer(value string) bool {
	return value != "" && len(value) <= maxHeaderValue && plain(value) && !strings.Contains(value, " ")
}

// oauthErrors are the codes of RFC 6749 and RFC 8707, which may be shown.
var oauthErrors = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target",
}

// sentence says in our own words why there is no token: the endpoint may answer anything.
func (t *tokens) sentence(ctx context.Context, err error) string {
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		code := ""
		if slices.Contains(oauthErrors, answer.ErrorCode) {
			code = " (" + answer.ErrorCode + ")"
		}
		if answer.Response != nil && answer.Response.StatusCode != http.StatusOK {
			return fmt.Sprintf("the token endpoint %s answered %d%s", t.place, answer.Response.StatusCode, code)
		}
		return fmt.Sprintf("the token endpoint %s refused%s", t.place, code)
	}
	if _, network := errors.AsType[*url.Error](err); network {
		why := tlsDetail(err)
		if why == "" {
			why = connectWords[dialFailed(ctx, err).reason]
		}
		return fmt.Sprintf("the token endpoint %s cannot be reached: %s", t.place, why)
	}
	return fmt.Sprintf("the answer of the token endpoint %s has no bearer token", t.place)
}
