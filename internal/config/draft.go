package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// draft is a configuration that is being put together, with the names by which the
// user gave each part of it.
type draft struct {
	file    string // "": there is none
	daemon  part[Config]
	queues  []part[Queue]
	targets []part[Target] // in the file's order
}

// part is one of the structs of a configuration.
type part[T any] struct {
	value T
	name  string // the target's
	names names
}

func newPart[T any](s scope, path string) part[T] {
	p := part[T]{names: names{scope: s, path: path, given: make(map[string]string)}}
	setDefaults(reflect.ValueOf(&p.value).Elem())
	return p
}

// names says how the user gave the settings of one part.
type names struct {
	scope scope
	// path is where the part is in the file, "" if it is not in one, and at the same
	// with its line.
	path, at string
	// given has, by a setting's key, how it was given, if it was.
	given map[string]string
}

// of is how to call a setting in a sentence: as it was given, else as it could be.
func (n names) of(key string) string {
	if name, ok := n.given[key]; ok {
		return name
	}
	if n.path != "" {
		return join(n.path, key)
	}
	for _, s := range Settings() {
		if s.scope == n.scope && s.key == key && s.Flag != "" {
			return "--" + s.Flag
		}
	}
	return key
}

func (n names) has(key string) bool {
	_, ok := n.given[key]
	return ok
}

// problem is an error that begins with a setting's name.
func (n names) problem(key, format string, args ...any) error {
	return fmt.Errorf("%s: %w", n.of(key), fmt.Errorf(format, args...))
}

// setDefaults sets the fields of a struct whose tags have a default.
func setDefaults(v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if _, isStruct := field.Tag.Lookup("embed"); isStruct {
			setDefaults(v.Field(i))
		} else if text, ok := field.Tag.Lookup("default"); ok {
			if err := setText(v.Field(i), text); err != nil {
				panic(err) // a tag is wrong: every test sees it
			}
		}
	}
}

// appendText adds what text says to a list.
func appendText(v reflect.Value, text string) error {
	one := reflect.New(v.Type().Elem()).Elem()
	if err := setText(one, text); err != nil {
		return err
	}
	v.Set(reflect.Append(v, one))
	return nil
}

// setText sets one value to what text says.
func setText(v reflect.Value, text string) error {
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		if text == "" {
			return errors.New("empty value: set one, or omit the setting")
		}
		v.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("invalid number%s: use a whole number, such as 10", shown(text))
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("invalid value%s: use true or false", shown(text))
		}
		v.SetBool(yes)
	default:
		panic("config: a setting has a type that nobody reads: " + v.Type().String())
	}
	return nil
}
