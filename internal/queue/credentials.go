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
	// renewEvery is how often credentials that SQS refuses are fetched anew.
	renewEvery = 30 * time.Second
	// credentialsTimeout is how long the first ones may take: the instance's
	// metadata, which is asked last, does not answer everywhere.
	credentialsTimeout = 20 * time.Second
)

// credentials are those of the SDK's chain; its errors are told from those of SQS.
type credentials struct {
	cache *aws.CredentialsCache

	mu      sync.Mutex // guards renewed
	renewed time.Time
}

// noCredentials is why there are none.
type noCredentials struct{ err error }

func (e *noCredentials) Error() string { return e.err.Error() }

func (e *noCredentials) Unwrap() error { return e.err }

// newCredentials fetches the first credentials of the chain.
func newCredentials(ctx context.Context, chain aws.CredentialsProvider) (*credentials, error) {
	cache, ok := chain.(*aws.CredentialsCache)
	if !ok {
		cache = aws.NewCredentialsCache(chain)
	}
	c := &credentials{cache: cache}
	limited, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if _, err := c.Retrieve(limited); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("no AWS credentials: tried %s; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, "+
			"or give the task, the pod or the instance a role (%w)", chainInWords(), oneLine(err))
	}
	return c, nil
}

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.cache.Retrieve(ctx)
	if err != nil {
		return found, &noCredentials{err}
	}
	return found, nil
}

// renew has the next call fetch the credentials anew, if the last time is long
// enough ago.
func (c *credentials) renew(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.renewed.IsZero() && now.Sub(c.renewed) < renewEvery {
		return false
	}
	c.renewed = now
	c.cache.Invalidate()
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
