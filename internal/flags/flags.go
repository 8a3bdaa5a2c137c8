// Package flags reads a command line into the fields of a struct. What a flag is
// called, what it takes and what its help says are the tags of its field, beside
// those by which other rooms read the same field, so that a setting is written down
// once.
//
// The tags are:
//
//	name         the flag, without dashes; a field without one is not a flag
//	short        the letter of a bool's short form
//	default      the value without the flag, as it would be written
//	placeholder  what help shows for the value
//	group        the heading under which help shows it
//	required     it must be given
//	help         a sentence or two
//	embed        the fields of this struct are flags too; prefix begins their names,
//	             and group is that of those without one
//	bare         an argument where none is taken probably is this flag's value
//	mistaken     a flag that there is not, for which this one was probably meant
//	arg          this []string takes the arguments that are not flags; help shows it
//	             by this name
//
// A field is a string, an int, a bool, an encoding.TextUnmarshaler, or a slice of one
// of these: such a flag may be repeated, each time for one element.
//
// It promises that an error is one sentence that names the flag and says what to
// write, that a flag never takes the next flag as its value, and that no variable is
// read. It calls no method by its name, so that the linker may leave out what nobody
// calls.
package flags

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// ErrHelp is what ends the reading where help was asked for.
var ErrHelp = errors.New("help was asked for")

// Flag is one flag as help shows it.
type Flag struct {
	Name, Short string
	// Placeholder stands for its value; it is empty where the flag takes none.
	Placeholder string
	Group       string
	// Default is as it would be written; empty: none, or one that Help tells.
	Default  string
	Help     string
	Required bool
	// Repeatable says that each time it is given adds to a list.
	Repeatable bool
	// Tag is the whole of the field's, for what other rooms write there.
	Tag reflect.StructTag
}

// Set is the flags of one command, and where their values go.
type Set struct {
	command   string
	flags     []Flag
	parser    *pflag.FlagSet
	help      bool
	given     []string
	argument  Argument
	arguments *[]string // nil: the command takes none
}

// Argument is how help shows the arguments that are not flags. Its name is empty if
// there are none.
type Argument struct{ Name, Help string }

// New returns the flags of the struct that into points to, and sets its fields to their
// defaults. The command is what a person types before them, such as "poller run".
func New(command string, into any) *Set {
	s := &Set{command: command, parser: pflag.NewFlagSet(command, pflag.ContinueOnError)}
	s.parser.BoolVarP(&s.help, "help", "h", false, "")
	s.flags = append(s.flags, Flag{Name: "help", Short: "h", Help: "Show this help."})
	s.addFields(reflect.ValueOf(into).Elem(), "", "")
	return s
}

// EndAtArgument makes the first argument that is not a flag the end of the flags: what
// follows belongs to somebody else.
func (s *Set) EndAtArgument() { s.parser.SetInterspersed(false) }

// Flags are all flags, in the order of the fields.
func (s *Set) Flags() []Flag { return s.flags }

// Argument returns what may follow the flags.
func (s *Set) Argument() Argument { return s.argument }

// Given are the names of the flags that the command line had, as often as it had them.
func (s *Set) Given() []string { return s.given }

// Twice is a flag for one value that was given more than once; else it is empty.
func (s *Set) Twice() string {
	for _, f := range s.flags {
		if i := slices.Index(s.given, f.Name); !f.Repeatable && i >= 0 && slices.Contains(s.given[i+1:], f.Name) {
			return f.Name
		}
	}
	return ""
}

// Parse sets the fields to what a command line says. It returns ErrHelp if that asks for
// help and is otherwise right; whether all that is required is there is not asked then.
func (s *Set) Parse(args []string) error {
	if err := s.refuseMissingValue(args); err != nil {
		return err
	}
	err := s.parser.ParseAll(args, func(f *pflag.Flag, text string) error {
		s.given = append(s.given, f.Name)
		if err := f.Value.Set(text); err != nil {
			return fmt.Errorf("--%s: %w", f.Name, err)
		}
		return nil
	})
	if err != nil {
		return s.sentence(err)
	}
	switch rest := s.parser.Args(); {
	case s.arguments != nil:
		*s.arguments = rest
	case len(rest) > 0:
		return s.refuseArgument(args, rest)
	}
	if s.help {
		return ErrHelp
	}
	return s.refuseMissingFlag()
}

// Said returns the value that a command line gives a flag, though the rest of it may be
// wrong; it is empty if there is none.
func Said(args []string, name string) (said string) {
	for i, arg := range args {
		if arg == "--" {
			break // what follows are arguments
		}
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			said = value
		} else if arg == "--"+name && i+1 < len(args) {
			said = args[i+1]
		}
	}
	return said
}

// refuseArgument is the error of arguments that the command does not take. One is repeated
// only if it is alone and comes first: behind a flag it may be the rest of a header.
func (s *Set) refuseArgument(args, rest []string) error {
	for _, f := range s.flags {
		if _, bare := f.Tag.Lookup("bare"); !bare || slices.Contains(s.given, f.Name) {
			continue
		}
		if len(rest) == 1 && args[0] == rest[0] {
			return fmt.Errorf("%s takes no arguments: did you mean --%s %s?", s.command, f.Name, rest[0])
		}
		return fmt.Errorf("%s takes no such argument: use %s, and quote values that contain spaces", s.command, f)
	}
	return fmt.Errorf("%s takes no such argument: quote values that contain spaces", s.command)
}

// refuseMissingValue finds a flag at the end, or before another one: pflag would take
// that one as its value.
func (s *Set) refuseMissingValue(args []string) error {
	for i, arg := range args {
		if arg == "--" {
			break // what follows are arguments
		}
		name, isFlag := strings.CutPrefix(arg, "--")
		f := s.parser.Lookup(name)
		if !isFlag || f == nil || f.NoOptDefVal != "" {
			continue
		}
		if i+1 == len(args) || len(args[i+1]) > 1 && args[i+1][0] == '-' {
			return fmt.Errorf("%s needs a value: use %s=VALUE", arg, arg)
		}
	}
	return nil
}

// refuseMissingFlag finds flags that are required and not there.
func (s *Set) refuseMissingFlag() error {
	var missing []string
	for _, f := range s.flags {
		if f.Required && !slices.Contains(s.given, f.Name) {
			missing = append(missing, f.String())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s is missing: see %s -h", strings.Join(missing, ", "), s.command)
}

// String is the flag as it is written: --rate=RATE.
func (f Flag) String() string {
	if f.Placeholder == "" {
		return "--" + f.Name
	}
	return "--" + f.Name + "=" + f.Placeholder
}
