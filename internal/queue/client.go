package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// defaultConnections is the default of Options.Connections.
	defaultConnections = 32
	// connectionBuffer is what a connection reads and writes at a time: every queue keeps
	// one, and most of them wait in a long poll. Longer bodies pass it by.
	connectionBuffer = 2 << 10
)

// httpClient sends the SDK's requests.
type httpClient interface {
	Do(*http.Request) (*http.Response, error)
}

// Options configure a Client. All are optional.
type Options struct {
	// Logger gets the SDK's log at debug level. If nil, it is discarded.
	Logger *slog.Logger
	// Registerer gets the metrics, which carry a label queue. If nil, there are none.
	Registerer prometheus.Registerer
	// Connections is how many idle connections are kept; 0 means 32.
	Connections int
	// HTTPClient replaces the HTTP client in tests and simulations.
	HTTPClient interface {
		Do(*http.Request) (*http.Response, error)
	}
	// UserAgent is appended to the SDK's.
	UserAgent string
}

// Client calls SQS in one region.
type Client struct {
	sqs         *sqs.Client
	log         *slog.Logger
	region      string
	endpoint    string // where requests go
	custom      bool   // the endpoint is not one of AWS's defaults
	variant     variant
	credentials *credentials
	clock       *clock
	wire        *wire
	metrics     *metrics
	close       func()
}

// NewClient finds region, credentials and endpoint as every AWS SDK does. It connects only
// to the provider of the credentials. Its errors are final and say what to do.
// Credentials that cannot be fetched yet are not an error: every call tries again.
func NewClient(ctx context.Context, o Options) (*Client, error) {
	kept, log := cmp.Or(o.Connections, defaultConnections), o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	// The SDK refuses a custom client type here if AWS_CA_BUNDLE is set.
	base := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, kept
		t.DisableCompression = true
		t.ReadBufferSize, t.WriteBufferSize = connectionBuffer, connectionBuffer
	})
	// By default the SDK writes to stderr, in between the lines of a JSON log.
	says := logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
		log.DebugContext(ctx, "AWS SDK log", slog.String("text", fmt.Sprintf(format, v...)))
	})
	load := func(ctx context.Context) (aws.Config, error) {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(base), config.WithLogger(says))
		if err != nil {
			return cfg, fmt.Errorf("cannot read the AWS configuration: %w", oneLine(err))
		}
		return cfg, nil
	}
	cfg, err := load(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region: set AWS_REGION to the queue's region, such as eu-central-1 " +
			"(for an emulator, any region)")
	}
	c := &Client{log: log, region: cfg.Region, clock: new(clock), close: func() {}}
	if c.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, err
	}
	c.credentials = &credentials{chain: cfg.Credentials, build: func(ctx context.Context) (aws.CredentialsProvider, error) {
		cfg, err := load(ctx)
		return cfg.Credentials, err
	}}
	if err := c.credentials.first(ctx); err != nil {
		return nil, err
	}
	carrier := o.HTTPClient
	if carrier == nil {
		carrier = c.connect(cfg.HTTPClient, base)
	}
	c.sqs = sqs.NewFromConfig(cfg, func(s *sqs.Options) {
		s.Credentials = c.credentials
		s.HTTPClient = whole{carrier: carrier, clock: c.clock, agent: o.UserAgent}
		// The callers back off themselves. The SDK's retries would hide receives whose
		// response was lost.
		s.Retryer, s.RetryMaxAttempts = aws.NopRetryer{}, 0
	})
	if err := c.findEndpoint(ctx); err != nil {
		c.Close()
		return nil, err
	}
	if c.wire, err = newWire(ctx, c, carrier, o.UserAgent); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// connect creates the transport: the SDK's own, which honors AWS_CA_BUNDLE.
func (c *Client) connect(configured aws.HTTPClient, base *awshttp.BuildableClient) httpClient {
	if b, ok := configured.(*awshttp.BuildableClient); ok {
		base = b
	}
	transport := base.GetTransport()
	c.close = transport.CloseIdleConnections
	return connections{transport}
}

// connections send a request as it is. An http.Client would add redirects and cookies.
type connections struct{ *http.Transport }

// Do implements httpClient.
func (c connections) Do(r *http.Request) (*http.Response, error) { return c.RoundTrip(r) }

// findEndpoint determines where requests go. Errors name the endpoint, and it decides
// which queue URLs are valid.
func (c *Client) findEndpoint(ctx context.Context) error {
	o := c.sqs.Options()
	c.custom = o.BaseEndpoint != nil
	if c.custom {
		u, err := url.Parse(*o.BaseEndpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("AWS_ENDPOINT_URL_SQS (or AWS_ENDPOINT_URL, or endpoint_url of the profile) is not a URL: " +
				"write it with its scheme, such as http://127.0.0.1:9324")
		}
		if u.User != nil {
			return errors.New("AWS_ENDPOINT_URL_SQS contains a user name, which SQS does not accept: use only scheme, host and port")
		}
	}
	c.variant = variant{
		fips:      o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled,
		dualStack: o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled,
	}
	e, err := o.EndpointResolverV2.ResolveEndpoint(ctx, sqs.EndpointParameters{
		Region: &c.region, Endpoint: o.BaseEndpoint, UseFIPS: &c.variant.fips, UseDualStack: &c.variant.dualStack,
	})
	if err != nil {
		return fmt.Errorf("no SQS endpoint for region %q (AWS_REGION): %w", c.region, oneLine(err))
	}
	c.endpoint = strings.TrimSuffix(e.URI.String(), "/")
	return nil
}

// Credentials returns an error if there are no credentials at the moment.
func (c *Client) Credentials(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.credentials.Retrieve(limited)
	if none, ok := errors.AsType[*noCredentials](err); ok {
		return none.sentence()
	}
	return nil
}

// Retrieve returns the credentials that requests to SQS are signed with. It makes the client
// an aws.CredentialsProvider for requests to others.
func (c *Client) Retrieve(ctx context.Context) (aws.Credentials, error) {
	return c.credentials.Retrieve(ctx)
}

// Region returns the client's region.
func (c *Client) Region() string { return c.region }

// Endpoint returns the URL that requests go to.
func (c *Client) Endpoint() string { return c.endpoint }

// Close closes idle connections.
func (c *Client) Close() { c.close() }

// oneLine returns err on a single line.
func oneLine(err error) error { return errors.New(strings.Join(strings.Fields(err.Error()), " ")) }
