package flags

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
)

// value is a field that a flag is read into: a pflag.Value.
type value struct {
	field  reflect.Value
	isList bool
	read   func(v reflect.Value, text string) error // of one element, if it is a list
}

func newValue(field reflect.Value) value {
	one := field.Type()
	isText := func() bool { return reflect.PointerTo(one).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) }
	v := value{field: field, isList: one.Kind() == reflect.Slice && !isText()}
	if v.isList {
		one = one.Elem()
	}
	switch {
	case isText():
		v.read = readText
	case one.Kind() == reflect.String:
		v.read = readString
	case one.Kind() == reflect.Int:
		v.read = readInt
	case one.Kind() == reflect.Bool:
		v.read = readBool
	default:
		panic("flags: a field has a type that nobody reads: " + field.Type().String())
	}
	return v
}

// Set sets the field, or adds to it if it is a list. A comma is a character like others.
func (v value) Set(text string) error {
	if !v.isList {
		return v.read(v.field, text)
	}
	one := reflect.New(v.field.Type().Elem()).Elem()
	if err := v.read(one, text); err != nil {
		return err
	}
	v.field.Set(reflect.Append(v.field, one))
	return nil
}

// String and Type are for pflag's own help, which is never shown.
func (v value) String() string { return "" }

// Type is as String.
func (v value) Type() string { return v.field.Type().String() }

func (v value) isBool() bool { return v.field.Kind() == reflect.Bool }

func readText(v reflect.Value, text string) error {
	u, _ := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	return u.UnmarshalText([]byte(text))
}

func readString(v reflect.Value, text string) error {
	v.SetString(text)
	return nil
}

func readInt(v reflect.Value, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("invalid number %q: use a whole number, such as 10", text)
	}
	v.SetInt(int64(n))
	return nil
}

func readBool(v reflect.Value, text string) error {
	switch text {
	case "true", "yes", "1":
		v.SetBool(true)
	case "false", "no", "0":
		v.SetBool(false)
	default:
		return fmt.Errorf("invalid value %q: use true, false, or the flag alone", text)
	}
	return nil
}
