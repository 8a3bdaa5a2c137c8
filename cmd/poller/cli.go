package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sqs-poller/poller/internal/flags"
)

// Exit codes that are not a verb's own.
const (
	codeFailed      = 1
	codeSecondBreak = 130
)

// command runs the verb that the arguments name, and returns the exit code.
func command(p *process, args []string) int {
	err := dispatch(p, args)
	if p.now.Err() != nil {
		return codeSecondBreak
	}
	if err == nil {
		return 0
	}
	code := codeFailed
	if e, ok := errors.AsType[exit](err); ok {
		code = e.code
	}
	for _, one := range each(err) {
		if text := one.Error(); text != "" {
			say(p, "error", text)
		}
	}
	return code
}

// each returns the errors of which one is made, or itself.
func each(err error) []error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()
	}
	return []error{err}
}

// say writes one line to stderr.
func say(p *process, kind, text string) {
	if p.color {
		color := map[string]string{"error": "31", "warning": "33", "note": "36"}[kind]
		kind = "\x1b[1;" + color + "m" + kind + "\x1b[0m"
	}
	_, _ = fmt.Fprintf(p.stderr, "poller: %s: %s\n", kind, text)
}

// anyVerb is the command line before it is known which verb it names.
type anyVerb struct {
	// Rest is the verb's name and what follows it.
	Rest []string `arg:"command"`
}

// dispatch runs a verb, or prints the help that is asked for.
func dispatch(p *process, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "--version":
		args = []string{"version"}
	case len(args) > 0 && args[0] == "help": // poller help, poller help run
		args = append(slices.Clone(args[1:]), "--help")
	}
	var line anyVerb
	before := flags.New("poller", &line)
	before.EndAtArgument()
	err := before.Parse(args)
	wantsHelp := errors.Is(err, flags.ErrHelp)
	switch {
	case err != nil && !wantsHelp:
		return err
	case len(line.Rest) > 0:
		if args = line.Rest[1:]; wantsHelp {
			args = append([]string{"--help"}, args...) // poller -h run
		}
		return dispatchVerb(p, line.Rest[0], args)
	case wantsHelp:
		_, err = io.WriteString(p.stdout, helpOfAll(before, p.columns))
		return err
	case len(args) == 0:
		_, _ = io.WriteString(p.stderr, helpOfAll(before, p.columns))
		return exit{code: codeFailed}
	default:
		return errors.New("no command given: try poller run, or see poller --help")
	}
}

// refuser is a verb that says in its own way what is wrong with its command line.
type refuser interface {
	refused(p *process, args []string, err error) error
}

func dispatchVerb(p *process, name string, args []string) error {
	var known []string
	for _, e := range verbs() {
		if known = append(known, e.name); e.name != name {
			continue
		}
		v := e.new()
		taken, err := parse(name, v, args)
		if errors.Is(err, flags.ErrHelp) {
			_, err = io.WriteString(p.stdout, helpOf(v, name, taken, p.columns))
			return err
		}
		if r, ok := v.(refuser); ok && err != nil {
			return r.refused(p, args, err)
		}
		if err != nil {
			return err
		}
		return v.Run(p)
	}
	if meant := flags.DidYouMean(name, known); meant != "" {
		return fmt.Errorf("unexpected argument %s, %s", name, meant)
	}
	return fmt.Errorf("unexpected argument %s: see poller --help", name)
}

// parse reads a verb's arguments into its fields.
func parse(name string, v verb, args []string) (*flags.Set, error) {
	taken := flags.New("poller "+name, v)
	if err := taken.Parse(args); err != nil {
		return taken, err
	}
	if s, ok := v.(interface{ note(taken *flags.Set) error }); ok {
		return taken, s.note(taken)
	}
	return taken, nil
}
