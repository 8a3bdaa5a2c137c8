package queue

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/aws/smithy-go"
)

// metadataService is the SDK's name for the instance metadata service in errors.
const metadataService = "ec2imds"

// answeredError is a response without credentials.
type answeredError interface {
	error
	HTTPStatusCode() int
}

// passes reports whether the lack of credentials may be transient: their endpoint does not
// respond, throttles or fails.
//
// The metadata service is tried last, on every machine, so its silence means nothing
// unless the machine is an EC2 instance or the endpoint was set explicitly.
func passes(err error, onEC2 bool) bool {
	if answered, ok := errors.AsType[answeredError](err); ok {
		if api, ok := errors.AsType[smithy.APIError](err); ok && strings.HasPrefix(api.ErrorCode(), "IDPCommunicationError") {
			return true
		}
		status := answered.HTTPStatusCode()
		return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	}
	_, isNet := errors.AsType[net.Error](err)
	if !isNet && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	operation, ok := errors.AsType[*smithy.OperationError](err)
	if ok && operation.Service() == metadataService {
		return onEC2 || os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT") != ""
	}
	return true
}

// onEC2 reports whether the machine identifies itself as an EC2 instance:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
func onEC2() bool {
	vendor, err := os.ReadFile("/sys/devices/virtual/dmi/id/sys_vendor")
	return err == nil && strings.HasPrefix(string(vendor), "Amazon EC2")
}
