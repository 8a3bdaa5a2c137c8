package queue

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// renewEvery is how often refused credentials are fetched again.
	renewEvery = 30 * time.Second
	// credentialsTimeout bounds the first fetch: the instance's metadata service, which
	// is tried last, does not answer everywhere.
	credentialsTimeout = 20 * time.Second
)

// credentials come from the SDK's chain. Its errors are distinguished from those of SQS.
type credentials struct {
	// build reads the environment and the shared files and returns the chain.
	build func(context.Context) (aws.CredentialsProvider, error)

	mu      sync.Mutex // guards what follows
	chain   aws.CredentialsProvider
	stale   bool // rebuild the chain before using it
	renewed time.Time
}

// noCredentials is the error of a chain that has no credentials.
type noCredentials struct{ err error }

func (e *noCredentials) Error() string { return e.err.Error() }

func (e *noCredentials) Unwrap() error { return e.err }

// sentence returns an error that names what was tried.
func (e *noCredentials) sentence() error {
	if passes(e.err, onEC2()) {
		return fmt.Errorf("cannot fetch AWS credentials at the moment: tried %s (%w)", chainInWords(), oneLine(e))
	}
	return fmt.Errorf("no AWS credentials: tried %s; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, "+
		"or give the task, the pod or the instance a role (%w)", chainInWords(), oneLine(e))
}

// first fetches the first credentials. It fails only if somebody has to act: if an
// endpoint does not answer yet, the next call tries again.
func (c *credentials) first(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	_, err := c.Retrieve(limited)
	switch none, ok := err.(*noCredentials); { //nolint:errorlint // Retrieve returns no other
	case ctx.Err() != nil:
		return ctx.Err()
	case !ok, passes(none.err, onEC2()):
		return nil
	default:
		return none.sentence()
	}
}

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	chain, err := c.current(ctx)
	if err != nil {
		return aws.Credentials{}, &noCredentials{err}
	}
	found, err := chain.Retrieve(ctx)
	if err != nil {
		c.discard(chain)
		return found, &noCredentials{err}
	}
	return found, nil
}

// discard makes the next call rebuild a chain that has no credentials: it may have read a
// file that was still being written.
func (c *credentials) discard(chain aws.CredentialsProvider) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale = c.stale || c.chain == chain
}

// current returns the chain, rebuilt if it is stale. The SDK reads the shared files only
// when it builds a chain.
func (c *credentials) current(ctx context.Context) (aws.CredentialsProvider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stale {
		return c.chain, nil
	}
	chain, err := c.build(ctx)
	if err != nil {
		return nil, err
	}
	c.chain, c.stale = chain, false
	return chain, nil
}

// renew makes the next call rebuild the chain, unless it was rebuilt recently.
func (c *credentials) renew(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.renewed.IsZero() && now.Sub(c.renewed) < renewEvery {
		return false
	}
	c.renewed = now
	c.stale = true
	return true
}

// chainInWords lists what the SDK tries, in order, and which of it is set.
func chainInWords() string {
	set := func(names ...string) string {
		for _, name := range names {
			if os.Getenv(name) != "" {
				return name + " (set)"
			}
		}
		return names[0] + " (not set)"
	}
	profile := "the profile default in ~/.aws"
	if name := os.Getenv("AWS_PROFILE"); name != "" {
		profile = "the profile " + name + " (AWS_PROFILE)"
	}
	instance := "the EC2 instance's role"
	if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		instance += " (AWS_EC2_METADATA_DISABLED is set)"
	}
	return strings.Join([]string{
		set("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
		set("AWS_WEB_IDENTITY_TOKEN_FILE"),
		profile,
		set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
		instance,
	}, ", ")
}
