package demo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/sqs-poller/poller/internal/receiver"
)

// Share is a share of messages, in percent. The zero value is none.
type Share struct{ percent float64 }

// UnmarshalText parses 3%, or 0.5%.
func (s *Share) UnmarshalText(text []byte) error {
	number, isShare := strings.CutSuffix(string(text), "%")
	percent, err := strconv.ParseFloat(number, 64)
	if !isShare || err != nil || !(percent >= 0 && percent <= 100) {
		return fmt.Errorf("invalid share %q: use a percentage from 0%% to 100%%, such as 3%%", text)
	}
	s.percent = percent
	return nil
}

// of returns the ids of the messages that are in the share. A message is in it each time
// it comes, or never.
func (s Share) of(messages []receiver.Message) []string {
	var in []string
	for _, m := range messages {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(m.ID)) // never fails
		if m.ID != "" && float64(hash.Sum32()%10_000) < s.percent*100 {
			in = append(in, m.ID)
		}
	}
	return in
}
