package target

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// oddJSON are texts that are easily taken for what they are not.
var oddJSON = []string{
	"", " ", "{}", "[]", "[ ]", "{ }", " {} ", "{} {}", "{},", "[,]", "[1,]", `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`, `{"a":1 "b":2}`,
	"0", "-0", "-", "01", "1.", ".1", "1.5", "1e", "1e+", "1E-7", "1.5e+10", "+1", "0x1", "NaN", "Infinity", "1 2",
	"true", "tru", "truex", "false", "null", "nul", `"`, `""`, `"a`, `"\"`, `"\\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\u00E9"`, `"\ud83d"`, `"\/"`,
	"\"a\tb\"", "\"\x7f\"", "\"\x1f\"", "\"\x00\"", "\"é\"", "\"\xff\"", "\"0123456\xff\"", "\"01234567\xff\"", "[\"\xff\"]", "\xef\xbb\xbf{}", "\u00a0{}",
	`"01234567\"`, `"0123456\u`, `["01234567","\u0041`, `{"0123456789":"0123456789"}`,
	strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
	strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001),
}

func sameAsTheStandardLibrary(text string) bool {
	return validJSON(text) == (json.Valid([]byte(text)) && utf8.ValidString(text))
}

func TestJSONIsWhatTheStandardLibraryTakesForIt(t *testing.T) {
	t.Parallel()
	for _, text := range oddJSON {
		if !sameAsTheStandardLibrary(text) {
			t.Errorf("%.100q is taken for JSON: %v", text, validJSON(text))
		}
	}
	value := rapid.StringOf(rapid.SampledFrom([]rune("{}[]\",:\\ \n\t0123-+.eEtrufalsn\x01é😀/bx")))
	rapid.Check(t, func(t *rapid.T) {
		var text string
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			text = value.Draw(t, "text")
		case 1: // JSON with a change
			whole, _ := json.Marshal(map[string]any{
				rapid.String().Draw(t, "key"): []any{rapid.String().Draw(t, "string"), rapid.Float64().Draw(t, "number"), nil, true},
			})
			at := rapid.IntRange(0, len(whole)-1).Draw(t, "at")
			whole[at] = rapid.SampledFrom(append([]byte("\"\\{}[],: 0-.eu\n\x1f\xc3"), rapid.Byte().Draw(t, "byte"))).Draw(t, "change")
			text = string(whole)
		default:
			text = `"` + rapid.String().Draw(t, "string") + `"`
		}
		if !sameAsTheStandardLibrary(text) {
			t.Fatalf("%q is taken for JSON: %v", text, validJSON(text))
		}
	})
}

// FuzzJSON compares with the standard library on anything.
func FuzzJSON(f *testing.F) {
	for _, text := range oddJSON {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !sameAsTheStandardLibrary(text) {
			t.Fatalf("%q is taken for JSON: %v", text, validJSON(text))
		}
	})
}
