package admin

import (
	"math"
	"strconv"
	"time"
)

// Seconds is a duration that marshals as a number of seconds, to the millisecond, or as null
// if it is Unknown.
type Seconds time.Duration

// Unknown is a duration that is not known.
const Unknown Seconds = math.MinInt64

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) {
	if s == Unknown {
		return []byte("null"), nil
	}
	rounded := time.Duration(s).Round(time.Millisecond).Seconds()
	return strconv.AppendFloat(nil, rounded, 'f', -1, 64), nil
}

// Number is a float64 that marshals as null if it is infinite or NaN, which JSON cannot
// express.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return []byte("null"), nil
	}
	if thousandths := f * 1000; !math.IsInf(thousandths, 0) {
		f = math.Round(thousandths) / 1000
	}
	return strconv.AppendFloat(nil, f, 'f', -1, 64), nil
}
