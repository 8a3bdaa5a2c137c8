package receiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signatures verifies Signature Version 4 as AWS does, by signing once more:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
type signatures struct {
	services    []string
	region      string // empty means any
	credentials aws.CredentialsProvider
}

const (
	signedAt = "20060102T150405Z"
	// skew is how far a signature's time may be from ours.
	skew = 5 * time.Minute
)

var authorization = compiled(
	`^AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

func (s signatures) verify(r *http.Request, body []byte) *Problem {
	given := r.Header.Get("Authorization")
	if given == "" {
		return forbidden("the Authorization header is missing")
	}
	parts := authorization().FindStringSubmatch(given)
	if parts == nil {
		return forbidden("the Authorization header is not an AWS signature, version 4")
	}
	key, region, service, signature := parts[1], parts[3], parts[4], parts[6]
	names := strings.Split(parts[5], ";")
	at, err := time.Parse(signedAt, r.Header.Get("X-Amz-Date"))
	found, noCredentials := s.credentials.Retrieve(r.Context())
	switch {
	case noCredentials != nil:
		return &Problem{http.StatusServiceUnavailable, "the sink has no credentials any more to verify signatures with"}
	case !slices.Contains(s.services, service):
		return forbidden("the signature is for another service than %s", strings.Join(s.services, " or "))
	case s.region != "" && region != s.region:
		return forbidden("the signature is for another region than %s", s.region)
	case key != found.AccessKeyID:
		return forbidden("the signature is by another access key")
	case r.Header.Get("X-Amz-Security-Token") != found.SessionToken:
		return forbidden("the X-Amz-Security-Token header is not the session token of that access key")
	case err != nil:
		return forbidden("the X-Amz-Date header is not a time such as 20261102T093100Z")
	case time.Since(at).Abs() > skew:
		return forbidden("the signature is more than 5 minutes old, or from the future: compare the clocks")
	}
	for _, must := range []string{"host", "x-amz-date"} {
		if !slices.Contains(names, must) {
			return forbidden("the %s header is not signed", must)
		}
	}
	for header := range r.Header {
		if name := strings.ToLower(header); strings.HasPrefix(name, "x-amz-") && !slices.Contains(names, name) {
			return forbidden("an X-Amz- header is not signed")
		}
	}
	again, ok := signedPart(r, names)
	if !ok {
		return forbidden("a header that is signed is not there")
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), found, again, hex.EncodeToString(sum[:]), service, region, at); err != nil {
		return forbidden("the signature cannot be verified")
	}
	expected := again.Header.Get("Authorization")
	if subtle.ConstantTimeCompare([]byte(expected[strings.LastIndexByte(expected, '=')+1:]), []byte(signature)) != 1 {
		return forbidden("the signature does not match: the secret key is another, or something between changed the request")
	}
	return nil
}

// signedPart returns a request with nothing in it but what is signed.
func signedPart(r *http.Request, names []string) (*http.Request, bool) {
	part := &http.Request{
		Method: r.Method, Host: r.Host, Header: make(http.Header),
		URL: &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
	}
	for _, name := range names {
		switch name {
		case "host":
			continue
		case "content-length":
			part.ContentLength = r.ContentLength
			continue
		}
		values := r.Header.Values(name)
		if len(values) == 0 {
			return nil, false
		}
		part.Header[http.CanonicalHeaderKey(name)] = values
	}
	return part, true
}

// forbidden is what AWS answers to a signature that it does not accept.
func forbidden(format string, args ...any) *Problem {
	p := denied(format, args...)
	p.Status = http.StatusForbidden
	return p
}
