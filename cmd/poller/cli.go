package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"poller/internal/config"
)

// cli is the verbs, in the order of the help.
type cli struct {
	Run      runCmd      `cmd:"" help:"Deliver a queue's messages to a target, at its pace: the daemon."`
	Drain    drainCmd    `cmd:"" help:"Deliver until the queue is empty, then exit: for schedules."`
	Demo     demoCmd     `cmd:"" help:"Everything at once on this machine, to watch: no AWS, no network."`
	Check    checkCmd    `cmd:"" help:"Look at the settings, the real queue and the target, and say what to change."`
	Send     sendCmd     `cmd:"" help:"Put messages on a queue."`
	Sink     sinkCmd     `cmd:"" help:"A downstream to practise on."`
	Localsqs localsqsCmd `cmd:"" help:"An SQS server in memory, for trying things and for tests."`
	Health   healthCmd   `cmd:"" help:"Ask the daemon on this machine whether it is healthy."`
	Version  versionCmd  `cmd:"" help:"Version, commit and Go."`
}

// Exit codes that are not a verb's own.
const (
	codeFailed      = 1
	codeSecondBreak = 130
)

// command runs the verb that the arguments name, and gives the exit code.
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
	if text := err.Error(); text != "" {
		say(p, "error", text)
	}
	return code
}

// say writes one line to stderr.
func say(p *process, kind, text string) {
	if p.color {
		color := map[string]string{"error": "31", "warning": "33"}[kind]
		kind = "\x1b[1;" + color + "m" + kind + "\x1b[0m"
	}
	_, _ = fmt.Fprintf(p.stderr, "poller: %s: %s\n", kind, text)
}

// helped is what ends the parsing when help was asked for and has been printed.
type helped struct{}

func dispatch(p *process, args []string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(helped); !ok {
				panic(r)
			}
			err = nil
		}
	}()
	parser, err := newParser(p)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0:
		return needsVerb(p, parser)
	case len(args) == 1 && args[0] == "--version":
		args[0] = "version"
	}
	selected, err := parser.Parse(args)
	if err != nil {
		return usageError(err)
	}
	return selected.Run(p)
}

func newParser(p *process) (*kong.Kong, error) {
	return kong.New(new(cli),
		kong.Name("poller"),
		kong.Description("Takes messages off an SQS queue at the pace that the downstream can take."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(int) { panic(helped{}) }),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ValueFormatter(describe),
		kong.ExplicitGroups(groups()),
		mappers(),
	)
}

// groups puts the daemon's flags under headings.
func groups() []kong.Group {
	var list []kong.Group
	for _, name := range []string{"Queue", "Target", "Daemon"} {
		list = append(list, kong.Group{Key: name, Title: name + ":"})
	}
	return list
}

// printHelp prints a verb's own text, which begins with an example, and then its
// flags.
func printHelp(options kong.HelpOptions, c *kong.Context) error {
	if verb := c.Selected(); verb != nil && verb.Detail != "" {
		if _, err := io.WriteString(c.Stdout, strings.TrimRight(verb.Detail, "\n")+"\n\n"); err != nil {
			return err
		}
		verb.Help, verb.Detail = "", ""
	}
	return kong.DefaultHelpPrinter(options, c)
}

// describe adds its default to a flag's help, and a setting's variable. Settings are
// the flags that have a place in the file; those of other verbs read no variables.
func describe(v *kong.Value) string {
	var more []string
	if v.Default != "" {
		more = append(more, "default "+v.Default)
	}
	if v.Tag.Has("yaml") {
		more = append(more, config.Variable(v.Name))
	}
	if len(more) == 0 {
		return v.Help
	}
	return v.Help + " (" + strings.Join(more, ", ") + ")"
}

// needsVerb prints what verbs there are, for somebody who gave none.
func needsVerb(p *process, parser *kong.Kong) error {
	parser.Stdout = p.stderr
	c, err := kong.Trace(parser, nil)
	if err != nil {
		return err
	}
	if err := c.PrintUsage(false); err != nil {
		return err
	}
	return exit{code: codeFailed}
}

// noValue matches what kong says of a flag at the end, or before another one.
var noValue = regexp.MustCompile(`^(--[a-z-]+): expected .* value but got `)

// usageError says in one sentence what is wrong with the arguments.
func usageError(err error) error {
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return err
	}
	var verb *kong.Node
	if parse.Context != nil {
		verb = parse.Context.Selected()
	}
	text := err.Error()
	if flag := noValue.FindStringSubmatch(text); flag != nil {
		return fmt.Errorf("%s: it has no value: write %s=VALUE", flag[1], flag[1])
	}
	switch {
	case verb == nil && strings.HasPrefix(text, "expected one of"):
		return errors.New("no verb is given: write poller run, or see poller --help")
	case verb == nil && !strings.HasSuffix(text, "?"):
		return fmt.Errorf("%s: see poller --help", text)
	case verb == nil:
		return errors.New(text)
	case strings.HasPrefix(text, "unexpected argument"):
		// The argument is not repeated: it may be the rest of a header.
		return fmt.Errorf("poller %s takes no such argument: put a value that has spaces in quotes", verb.Name)
	case strings.HasPrefix(text, missingFlags):
		return fmt.Errorf("%s is missing: see poller %s -h", strings.TrimPrefix(text, missingFlags), verb.Name)
	default:
		return errors.New(text)
	}
}

// missingFlags is how kong begins to say that required flags were not given.
const missingFlags = "missing flags: "
