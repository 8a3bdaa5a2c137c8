package flags_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/flags"
)

// color is a type of its own.
type color string

func (c *color) UnmarshalText(text []byte) error {
	if s := string(text); s != "red" && s != "blue" {
		return fmt.Errorf("%q is no color: write red or blue", s)
	}
	*c = color(text)
	return nil
}

type brush struct {
	Color color `name:"color" default:"red" bare:"" mistaken:"paint" placeholder:"COLOR" help:"What it is dipped into."`
	Width int   `name:"width" placeholder:"N" group:"Shape" help:"In millimetres."`
}

type painting struct {
	Brush   brush    `embed:"" prefix:"brush-" group:"Tools"`
	Title   string   `name:"title" required:"" placeholder:"TITLE" help:"On the back."`
	Colors  []color  `name:"color" placeholder:"COLOR" help:"May be repeated."`
	Notes   []string `name:"note" placeholder:"TEXT" help:"May be repeated." other:"mine"`
	Framed  bool     `name:"framed" short:"f" help:"With a frame."`
	Unnamed string   `help:"No flag."`
	Objects []string `arg:"object" help:"What is on it."`
}

// parsed reads arguments that are split at spaces.
func parsed(args string) (painting, *flags.Set, error) {
	var p painting
	s := flags.New("poller paint", &p)
	err := s.Parse(strings.Fields(args))
	return p, s, err
}

func TestEachKindOfFieldIsReadFromItsText(t *testing.T) {
	got, s, err := parsed("apple --title=Still --brush-color blue --brush-width=-3 --color red --color=blue --note a,b --note=-c -f -- --pear -")
	want := painting{
		Brush: brush{Color: "blue", Width: -3}, Title: "Still", Colors: []color{"red", "blue"},
		Notes: []string{"a,b", "-c"}, Framed: true, Objects: []string{"apple", "--pear", "-"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if given := strings.Join(s.Given(), " "); given != "title brush-color brush-width color color note note framed" {
		t.Errorf("given: %s", given)
	}
}

func TestWhatIsNotGivenHasItsDefault(t *testing.T) {
	got, s, err := parsed("--title= --framed=no")
	if want := (painting{Brush: brush{Color: "red"}, Objects: []string{}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if slices.Contains(s.Given(), "brush-color") {
		t.Error("a default counts as given")
	}
}

func TestAWrongCommandLineGetsOneSentence(t *testing.T) {
	for args, want := range map[string]string{
		"":                              "--title=TITLE is missing: see poller paint -h",
		"--title":                       "--title needs a value: use --title=VALUE",
		"--note":                        "--note needs a value: use --note=VALUE",
		"--title --framed":              "--title needs a value: use --title=VALUE",
		"--title -f":                    "--title needs a value: use --title=VALUE",
		"--title -- --framed":           "--title needs a value: use --title=VALUE",
		"--brush-width -1":              "--brush-width needs a value: use --brush-width=VALUE",
		"--brush-width few":             `--brush-width: invalid number "few": use a whole number, such as 10`,
		"--brush-color=":                `--brush-color: "" is no color: write red or blue`,
		"--color red,blue":              `--color: "red,blue" is no color: write red or blue`,
		"--framed=maybe":                `--framed: invalid value "maybe": use true, false, or the flag alone`,
		"--titel=A":                     `unknown flag --titel, did you mean "--title"?`,
		"--Title A":                     `unknown flag --Title, did you mean "--title"?`,
		"--brush 1":                     `unknown flag --brush, did you mean one of "--brush-color", "--brush-width"?`,
		"--unnamed x":                   "unknown flag --unnamed: see poller paint --help",
		"---title=A":                    `unknown flag ---title, did you mean "--title"?`,
		"--=A":                          "unknown flag --: see poller paint --help",
		"-x":                            "unknown flag -x: see poller paint --help",
		"-fx":                           "unknown flag -x: see poller paint --help",
		"--title A --sekret-key=hunter": "unknown flag --sekret-key: see poller paint --help",
		"-Hkey:hunter":                  `unknown flag -H, did you mean "-h"?`,
		"-title A":                      `unknown flag -title, did you mean "--title"?`,
		"-title=A":                      `unknown flag -title, did you mean "--title"?`,
		"--help --oops":                 "unknown flag --oops: see poller paint --help",
	} {
		if _, _, err := parsed(args); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", args, err, want)
		}
	}
}

func TestArgumentsAreRefusedWhereNobodyTakesThem(t *testing.T) {
	for args, want := range map[string]string{
		"--color red hunter2": "poller dip takes no such argument: quote values that contain spaces",
		"--width 3 hunter2":   "poller dip takes no such argument: use --color=COLOR, and quote values that contain spaces",
		"red blue":            "poller dip takes no such argument: use --color=COLOR, and quote values that contain spaces",
		"red --width 3":       "poller dip takes no arguments: did you mean --color red?",
		"red":                 "poller dip takes no arguments: did you mean --color red?",
		"--paint red":         `unknown flag --paint, did you mean "--color"?`,
	} {
		var b brush
		if err := flags.New("poller dip", &b).Parse(strings.Fields(args)); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", args, err, want)
		}
	}
}

func TestHelpIsGivenBeforeAnythingIsMissing(t *testing.T) {
	for _, args := range []string{"-h", "--help", "pear -h", "-fh"} {
		if _, _, err := parsed(args); !errors.Is(err, flags.ErrHelp) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestAFlagForOneValueThatIsGivenTwiceIsKnown(t *testing.T) {
	for args, want := range map[string]string{
		"--title A --note a --note b --color red --color red": "",
		"--title A --title A":   "title",
		"--title A -f --framed": "framed",
	} {
		if _, s, err := parsed(args); err != nil || s.Twice() != want {
			t.Errorf("%s: %q, %v", args, s.Twice(), err)
		}
	}
}

func TestFlagsMayEndAtTheFirstArgument(t *testing.T) {
	var p painting
	s := flags.New("poller", &p)
	s.EndAtArgument()
	if err := s.Parse([]string{"--title", "A", "pear", "--oops", "-h"}); err != nil {
		t.Error(err)
	}
	if want := []string{"pear", "--oops", "-h"}; !slices.Equal(p.Objects, want) {
		t.Errorf("%q", p.Objects)
	}
}

func TestHelpGetsWhatTheTagsSay(t *testing.T) {
	var p painting
	s := flags.New("poller paint", &p)
	var got []string
	for _, f := range s.Flags() {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s", f, f.Short, f.Group, f.Default))
		if (f.Name == "note") != (f.Tag.Get("other") == "mine") || (f.Name == "title") != f.Required || f.Help == "" {
			t.Errorf("%+v", f)
		}
		if f.Repeatable != (f.Name == "color" || f.Name == "note") {
			t.Errorf("%+v", f)
		}
	}
	want := []string{
		"--help|h||", "--brush-color=COLOR||Tools|red", "--brush-width=N||Shape|",
		"--title=TITLE|||", "--color=COLOR|||", "--note=TEXT|||", "--framed|f||",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	if a := s.Argument(); a.Name != "object" || a.Help != "What is on it." {
		t.Errorf("%+v", a)
	}
}

func TestATagThatIsWrongIsSeenByEveryTest(t *testing.T) {
	for what, into := range map[string]any{
		"a default that cannot be read": &struct {
			C color `name:"color" default:"green"`
		}{},
		"a type that nobody reads": &struct {
			F float64 `name:"width"`
		}{},
		"arguments that are no strings": &struct {
			Objects []int `arg:"object"`
		}{},
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it is taken")
				}
			}()
			flags.New("poller paint", into)
		})
	}
}

func TestTheValueOfAFlagIsKnownThoughOthersAreWrong(t *testing.T) {
	for args, want := range map[string]string{
		"--rte 1 --color=red":        "red",
		"--color red --color blue x": "blue",
		"--color":                    "",
		"--rte -- --color red":       "",
	} {
		if got := flags.Said(strings.Fields(args), "color"); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}
