package localsqs

import (
	"net/url"
	"strings"
)

// account and region are where all queues are.
const (
	account = "000000000000"
	region  = "us-east-1"
)

var errNoQueue = queueDoesNotExist.because("The specified queue does not exist.")

func arnOf(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

// nameInARN is the queue's name in the ARN of an SQS queue of any region; of
// another account, a name that no queue has.
func nameInARN(arn string) (string, bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[5] == "" {
		return "", false
	}
	if parts[4] != account {
		return parts[4] + "/" + parts[5], true
	}
	return parts[5], true
}

// queueURL is the URL of a queue on the server at base (scheme and host).
func queueURL(base, name string) string { return base + "/" + account + "/" + name }

// queueAt finds the queue of a URL by the last parts of its path, whatever the
// host; a bare name will do too, as it does in SQS.
func (s *Server) queueAt(address string) (*queue, error) {
	if address == "" {
		return nil, missing("QueueUrl")
	}
	path := address
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil {
			return nil, invalidAddress.because("The address %s is not valid for this endpoint.", address)
		}
		path = u.Path
	}
	path = strings.TrimSuffix(path, "/")
	owner, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		owner, name = path[:i], path[i+1:]
		owner = owner[strings.LastIndexByte(owner, '/')+1:]
	}
	if owner == "" && strings.Contains(address, "://") {
		return nil, errNoQueue // no queue's URL is as short
	}
	q, ok := s.queues[name]
	if !ok || owner != "" && owner != account {
		return nil, errNoQueue
	}
	return q, nil
}

// validName reports whether a queue may have that name: 1 to 80 letters, digits,
// hyphens and underscores, and ".fifo" at the end of a FIFO queue's and of no
// other's.
func validName(name string, isFIFO bool) error {
	stem, suffixed := strings.CutSuffix(name, ".fifo")
	plain := stem != "" && len(name) <= 80 && onlyChars(stem, "-_")
	switch {
	case isFIFO && (!suffixed || !plain):
		return invalidParameterValue.because("The name of a FIFO queue can only include alphanumeric characters, " +
			"hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length")
	case suffixed && !isFIFO || !plain:
		return invalidParameterValue.because(
			"Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// onlyChars reports whether s is made of ASCII letters, digits and extra alone.
func onlyChars(s, extra string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(extra, c) >= 0 {
			continue
		}
		return false
	}
	return true
}
