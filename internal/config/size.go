package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written 256MiB or 1GiB.
type Size int64

// units are a Size's, the largest first. Kubernetes writes them without B.
var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// UnmarshalText reads a whole number with a unit, or of bytes.
func (s *Size) UnmarshalText(text []byte) error {
	written := string(text)
	if written == "" {
		return errors.New("empty size: use a number with a unit, such as 256MiB or 1GiB")
	}
	number, factor := written, int64(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(strings.TrimSuffix(written, "B"), u.name[:2]); ok {
			number, factor = n, u.bytes
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return fmt.Errorf("invalid size%s: use a whole number with a unit, such as 256MiB or 1GiB", shown(written))
	}
	*s = Size(n * factor)
	return nil
}

// String writes the size in the largest unit that leaves no rest.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
