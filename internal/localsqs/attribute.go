package localsqs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// attributeValue is a message attribute as requests carry it.
type attributeValue struct {
	DataType         string   `json:"DataType"`
	StringValue      *string  `json:"StringValue"`
	BinaryValue      []byte   `json:"BinaryValue"`
	StringListValues []string `json:"StringListValues"`
	BinaryListValues [][]byte `json:"BinaryListValues"`
}

const maxAttributes = 10

// readAttributes checks the message attributes and gives them in the order of
// their names, with their size.
func readAttributes(given map[string]attributeValue) (out []attribute, bytes int, err error) {
	if len(given) == 0 {
		return nil, 0, nil
	}
	if len(given) > maxAttributes {
		return nil, 0, invalidParameterValue.because(
			"Number of message attributes [%d] exceeds the allowed maximum [%d].", len(given), maxAttributes)
	}
	out = make([]attribute, 0, len(given))
	for _, name := range sortedKeys(given) {
		if err := validAttributeName(name); err != nil {
			return nil, 0, err
		}
		a, err := readAttribute(name, given[name])
		if err != nil {
			return nil, 0, err
		}
		bytes += len(a.name) + len(a.dataType) + len(a.value)
		out = append(out, a)
	}
	return out, bytes, nil
}

func validAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return invalidParameterValue.because("The message attribute name must not be empty.")
	case utf8.RuneCountInString(name) > 256:
		return invalidParameterValue.because("Message (user) attribute names must be shorter than 256 Bytes")
	case strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	}):
		return invalidParameterValue.because("Message (user) attributes name can only contain upper and lower case " +
			"characters, digits, periods, hyphens and underscores.")
	case strings.HasPrefix(lower, "aws."), strings.HasPrefix(lower, "amazon."),
		strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return invalidParameterValue.because("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. " +
			"These strings are reserved for internal use. Additionally, they cannot start or end with '.', " +
			"or have periods in succession.")
	}
	return nil
}

func readAttribute(name string, given attributeValue) (attribute, error) {
	a := attribute{name: name, dataType: given.DataType}
	if len(given.StringListValues) > 0 || len(given.BinaryListValues) > 0 {
		return a, unsupportedOperation.because("Message attribute list values in SendMessage operation are not supported.")
	}
	base, label, labelled := strings.Cut(given.DataType, ".")
	switch {
	case given.DataType == "":
		return a, invalidParameterValue.because(
			"The message attribute '%s' must contain a non-empty message attribute type.", name)
	case len(given.DataType) > 256:
		return a, invalidParameterValue.because("Message (user) attribute types must be shorter than 256 Bytes")
	case labelled && label == "":
		return a, invalidParameterValue.because("The message attribute '%s' has an empty custom type label.", name)
	}
	switch base {
	case "Binary":
		a.binary = true
		a.value = string(given.BinaryValue)
	case "String", "Number":
		if given.StringValue != nil {
			a.value = *given.StringValue
		}
	default:
		return a, invalidParameterValue.because("The message attribute '%s' has an invalid message attribute type, "+
			"the set of supported type prefixes is Binary, Number, and String.", name)
	}
	switch {
	case a.value == "":
		return a, invalidParameterValue.because(
			"Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, base)
	case !a.binary && given.BinaryValue != nil, a.binary && given.StringValue != nil:
		return a, invalidParameterValue.because(
			"Message (user) attribute '%s' must contain a value of type '%s' and no other.", name, base)
	case !a.binary && !validText(a.value):
		return a, invalidParameterValue.because("%s", invalidCharacters)
	case base == "Number" && !isNumber(a.value):
		return a, invalidParameterValue.because("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return a, nil
}

const invalidCharacters = "Invalid characters found. Valid unicode characters are " +
	"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

// validText reports whether s holds only the characters that SQS takes.
func validText(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == 0xfffe || r == 0xffff {
			return false
		}
		i += size
	}
	return true
}

// isNumber reports whether s is a decimal number, with or without an exponent.
func isNumber(s string) bool {
	s = strings.TrimSpace(s)
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exponent := s[i+1:]
		if exponent != "" && (exponent[0] == '-' || exponent[0] == '+') {
			exponent = exponent[1:]
		}
		if exponent == "" || strings.Trim(exponent, "0123456789") != "" {
			return false
		}
		mantissa = s[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""
}
