package queue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// wire makes the two calls that every message needs, ReceiveMessage and
// DeleteMessageBatch, without the SDK's middleware, which costs six times what the rest of
// such a call does. All other calls are the SDK's.
//
// What of the SDK is skipped, and what happens instead:
//
//   - Endpoint rules (FIPS, dual-stack, AWS_ENDPOINT_URL), user agent, signing region and
//     all constant headers: not skipped. The SDK writes one request of each kind when the
//     client is made; each of ours is a copy of it with its own body, id, date and
//     signature.
//   - Signature: by the SDK's own signer.
//   - Credentials: from the same provider, asked at every call.
//   - Clock skew: signed with SQS's time according to the last response's Date, as the SDK
//     does (unless that is turned off).
//   - Transport, AWS_CA_BUNDLE, proxies, connections: the same client.
//   - Retries: the SDK's are turned off for all calls; see NewClient.
//   - Error responses, with their request ids: the SDK reads them, from the response that
//     is here already.
//   - The body of a successful response: read by answer.go and its scanner.
//   - Input validation, the check of a body against its MD5, tracing, interceptors and the
//     SDK's debug log of requests: not done. Nobody turns them on here.
//
// wire_test.go compares requests, responses and errors with the SDK's, byte for byte: a
// new version of the SDK that does something else makes it red.
type wire struct {
	carrier     httpClient
	clock       *clock
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	agent       string
	skewed      bool // sign with SQS's time
	templates   [wired]template
	// read has the SDK turn an error response into an error.
	read func(context.Context, action, *http.Response) error
	// newID returns an Amz-Sdk-Invocation-Id.
	newID func() string
}

// wired is the number of actions that go over a wire: receive and deleteBatch.
const wired = deleteBatch + 1

// template is the SDK's request for an action.
type template struct {
	request         *http.Request
	region, service string // of its signature
}

// Headers that differ between two requests for one action.
const (
	invocationID = "Amz-Sdk-Invocation-Id"
	attempt      = "Amz-Sdk-Request"
	securityDate = "X-Amz-Date"
	securityKey  = "X-Amz-Security-Token"
)

// newWire has the client write its requests.
func newWire(ctx context.Context, c *Client, carrier httpClient, agent string) (*wire, error) {
	w := &wire{
		carrier: carrier, clock: c.clock, credentials: c.credentials, signer: v4.NewSigner(), agent: agent,
		skewed: !c.sqs.Options().DisableClockSkewCorrection,
		newID:  newInvocationID,
	}
	w.read = func(ctx context.Context, a action, answer *http.Response) error {
		return c.bySDK(ctx, a, replay{answer})
	}
	for a := range wired {
		var first capture
		err := c.bySDK(ctx, a, &first)
		if first.request == nil {
			return nil, fmt.Errorf("cannot build a %s request: %w", a, oneLine(err))
		}
		if w.templates[a], err = newTemplate(first.request, agent); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// bySDK makes a call with the SDK, with client in place of the network, and returns its
// error.
func (c *Client) bySDK(ctx context.Context, a action, client httpClient) error {
	nowhere, id := "nowhere", ids[0]
	instead := func(o *sqs.Options) {
		o.DisableMessageChecksumValidation = true
		o.HTTPClient, o.Credentials = client, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "none", SecretAccessKey: "none"}, nil
		})
	}
	var err error
	if a == receive {
		_, err = c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &nowhere}, instead)
	} else {
		_, err = c.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &nowhere, Entries: []types.DeleteMessageBatchRequestEntry{{Id: &id, ReceiptHandle: &nowhere}}}, instead)
	}
	return err
}

var errCaptured = errors.New("the request was not sent")

// capture keeps a request instead of sending it.
type capture struct{ request *http.Request }

func (c *capture) Do(r *http.Request) (*http.Response, error) {
	c.request = r
	return nil, errCaptured
}

// replay answers every request with one response.
type replay struct{ answer *http.Response }

func (r replay) Do(*http.Request) (*http.Response, error) { return r.answer, nil }

func newTemplate(r *http.Request, agent string) (template, error) {
	// Credential=KEY/DATE/REGION/SERVICE/aws4_request
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	if len(parts) < 5 {
		return template{}, errors.New("the AWS SDK does not sign requests as expected: this is a fault of this program")
	}
	for _, name := range []string{invocationID, "Authorization", securityDate, securityKey} {
		r.Header.Del(name)
	}
	appendAgent(r.Header, agent)
	r.Body, r.GetBody, r.ContentLength = nil, nil, 0
	return template{request: r, region: parts[2], service: parts[3]}, nil
}

// appendAgent appends agent to the SDK's User-Agent.
func appendAgent(h http.Header, agent string) {
	if agents := h["User-Agent"]; agent != "" && len(agents) == 1 {
		h["User-Agent"] = []string{agents[0] + " " + agent}
	}
}

// request returns a signed request.
func (w *wire) request(ctx context.Context, a action, body []byte) (*http.Request, error) {
	found, err := w.credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	t := &w.templates[a]
	r := t.request.WithContext(ctx)
	at := *t.request.URL // the signer writes to it
	r.URL = &at
	r.Header = make(http.Header, len(t.request.Header)+4)
	maps.Copy(r.Header, t.request.Header)
	r.Header[invocationID] = []string{w.newID()}
	now := time.Now()
	if skew := w.clock.skew(); w.skewed && skew != 0 {
		now = now.Add(skew)
		if deadline, ok := ctx.Deadline(); ok && skew > 0 {
			r.Header[attempt] = []string{t.request.Header[attempt][0] + "; ttl=" + deadline.Add(skew).Format("20060102T150405Z")}
		}
	}
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	digest := sha256.Sum256(body)
	err = w.signer.SignHTTP(ctx, found, r, hex.EncodeToString(digest[:]), t.service, t.region, now)
	return r, err
}

// do sends a request and has decode read the body of a successful response. The returned
// time is the response's Date, or zero.
func (w *wire) do(ctx context.Context, a action, body []byte, decode func(*http.Response) error) (time.Time, error) {
	r, err := w.request(ctx, a, body)
	if err != nil {
		return time.Time{}, err
	}
	sent := time.Now()
	resp, err := w.carrier.Do(r)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	date := w.clock.note(sent, time.Now(), resp.Header)
	if resp.StatusCode/100 == 2 {
		return date, decode(resp)
	}
	whole, err := readAnswer(resp.Body, resp.ContentLength)
	if err != nil {
		return date, err
	}
	defer func() { _ = whole.Close() }()
	resp.Body = whole
	if err = w.read(ctx, a, resp); err == nil {
		err = errNotSQS
	}
	return date, err
}

// newInvocationID returns a random UUID.
func newInvocationID() string {
	var id [16]byte
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // a name, not a secret
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // the same
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
