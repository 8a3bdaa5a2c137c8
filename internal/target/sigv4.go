package target

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// awsSigner signs with AWS's Signature Version 4.
type awsSigner struct {
	signer          *v4.Signer
	service, region string
	credentials     aws.CredentialsProvider
}

func newAWSSigner(a AWS) *awsSigner {
	return &awsSigner{v4.NewSigner(), a.Service, a.Region, a.Credentials}
}

func (s *awsSigner) sign(ctx context.Context, x *exchange, _ string) error {
	if s.credentials == nil {
		return &dialError{reason: reasonCredentials}
	}
	found, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return &dialError{reason: reasonCredentials}
	}
	digest := sha256.New()
	_, _ = io.WriteString(digest, x.text) // never fails
	to := *x.request.URL                  // the signer writes to it
	x.request.URL = &to
	return s.signer.SignHTTP(ctx, found, x.request, hex.EncodeToString(digest.Sum(nil)), s.service, s.region, time.Now())
}
