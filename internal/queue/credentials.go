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
	// renewEvery is how often credentials that SQS refuses are fetched again.
	renewEvery = 30 * time.Second
	// credentialsTimeout is how long the first ones may take: the instance's
	// metadata, which is asked last, does not answer everywhere.
	credentialsTimeout = 20 * time.Second
)

// credentials are those of the SDK's chain; its errors are told from those of SQS.
type credentials struct {
	// build reads the environment and the shared files and returns their chain.
	build func(context.Context) (aws.CredentialsProvider, error)

	mu      sync.Mutex // guards what follows
	chain   aws.CredentialsProvider
	stale   bool // build the chain again before it is used
	renewed time.Time
}

// noCredentials is why there are none.
type noCredentials struct{ err error }

func (e *noCredentials) Error() string { return e.err.Error() }

func (e *noCredentials) Unwrap() error { return e.err }

// sentence names what was tried.
func (e *noCredentials) sentence() error {
	if passes(e.err, onEC2()) {
		return fmt.Errorf("AWS credentials cannot be fetched now: tried %s (%w)", chainInWords(), oneLine(e))
	}
	return fmt.Errorf("no AWS credentials: tried %s; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, "+
		"or give the task, the pod or the instance a role (%w)", chainInWords(), oneLine(e))
}

// first fetches the first credentials. It fails only if somebody has to act: an
// endpoint that does not answer yet is asked again by the next call.
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

// discard has a chain that gives no credentials built again by the next call: it may
// have been read from a file that was just being written.
func (c *credentials) discard(chain aws.CredentialsProvider) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale = c.stale || c.chain == chain
}

// current is the chain, built again if it has to be. The SDK reads the shared files
// when it builds a chain, and never after that.
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

// renew makes the next call build the chain again, unless the last time is too
// recent.
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

// chainInWords names what the SDK looks at, in its order, and what of it is there.
func chainInWords() string {
	set := func(names ...string) string {
		for _, name := range names {
			if os.Getenv(name) != "" {
				return name + " (set)"
			}
		}
		return names[0] + " (not set)"
	}
	profile := "the profile default of ~/.aws"
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
