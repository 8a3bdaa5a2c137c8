package main

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"poller/internal/config"
)

// mappers make kong read whole numbers and durations as the settings are read, with
// errors that say what to write.
func mappers() kong.Option {
	return kong.OptionFunc(func(k *kong.Kong) error {
		for _, option := range []kong.Option{
			kong.KindMapper(reflect.Int, kong.MapperFunc(wholeNumber)),
			kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(duration)),
		} {
			if err := option.Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

func wholeNumber(c *kong.DecodeContext, v reflect.Value) error {
	var text string
	if err := c.Scan.PopValueInto("number", &text); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%q is no whole number: write one, such as 10", text)
	}
	v.SetInt(int64(n))
	return nil
}

func duration(c *kong.DecodeContext, v reflect.Value) error {
	var text string
	if err := c.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	var d config.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	v.SetInt(int64(d))
	return nil
}
