package config

import "testing"

func TestASizeIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"256MiB": 256 << 20, "256Mi": 256 << 20, "1GiB": 1 << 30, "2Gi": 2 << 30, "512KiB": 512 << 10, "134217728": 128 << 20, "0": 0,
	} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || int64(got) != want {
			t.Errorf("%s is read as %d, %v", text, got, err)
		}
		var again Size
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%s is written %s, and read as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "1.5GiB", "256MB", "256M", "-1MiB", "9999999999GiB", "256 MiB", "256MiBB"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for a size", text)
		}
	}
}
