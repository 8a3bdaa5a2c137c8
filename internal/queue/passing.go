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

// metadataService is how the SDK names the instance's metadata service in errors.
const metadataService = "ec2imds"

// answeredError is an answer that gives no credentials.
type answeredError interface {
	error
	HTTPStatusCode() int
}

// passes reports whether the reason for having no credentials may pass without
// anybody's doing: the endpoint that gives them does not answer, throttles or fails.
//
// The metadata service is asked last, on every machine, so silence there means
// nothing unless the machine is an EC2 instance or the endpoint was set.
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

// onEC2 reports whether the machine says that it is an EC2 instance:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
func onEC2() bool {
	vendor, err := os.ReadFile("/sys/devices/virtual/dmi/id/sys_vendor")
	return err == nil && strings.HasPrefix(string(vendor), "Amazon EC2")
}
