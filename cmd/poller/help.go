package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/flags"
)

const (
	// widest is how long a line of help may be on the widest terminal.
	widest = 100
	// usualColumns is the width if there is no terminal.
	usualColumns = 80
	// gap is between the two columns, and leftMargin before them.
	gap, leftMargin = 4, 2
)

// helpOfAll lists the verbs.
func helpOfAll(before *flags.Set, columns int) string {
	var rows [][2]string
	for _, e := range verbs() {
		rows = append(rows, [2]string{e.name, e.summary})
	}
	return "Usage: poller <command>\n\n" +
		"Takes messages off an SQS queue at the pace that the downstream can take.\n\n" +
		flagsOf(before, columns) +
		section("Commands", rows, columns) +
		`Run "poller <command> --help" for more information on a command.` + "\n"
}

// helpOf returns a verb's own text, which starts with an example, and then its flags.
func helpOf(v verb, name string, taken *flags.Set, columns int) string {
	usage := []string{"Usage: poller", name}
	for _, f := range taken.Flags() {
		if f.Required {
			usage = append(usage, f.String())
		}
	}
	arguments := ""
	if a := taken.Argument(); a.Name != "" {
		form := "[<" + a.Name + "> ...]"
		usage = append(usage, form)
		arguments = section("Arguments", [][2]string{{form, a.Help}}, columns)
	}
	text := reflowed(v.Help(), columns) + "\n\n" + strings.Join(usage, " ") + " [flags]\n\n" + arguments + flagsOf(taken, columns)
	return strings.TrimRight(text, "\n") + "\n"
}

// flagsOf shows the flags under the headings of their groups, in the order in which
// the groups begin.
func flagsOf(taken *flags.Set, columns int) string {
	var headings []string
	rows := make(map[string][][2]string)
	for _, f := range taken.Flags() {
		heading := f.Group
		name := f.String()
		if heading == "" {
			heading = "Flags" // the one that has short forms
			if f.Short != "" {
				name = "-" + f.Short + ", " + name
			} else {
				name = "    " + name
			}
		}
		if rows[heading] == nil {
			headings = append(headings, heading)
		}
		rows[heading] = append(rows[heading], [2]string{name, described(f)})
	}
	var text strings.Builder
	for _, heading := range headings {
		text.WriteString(section(heading, rows[heading], columns))
	}
	return text.String()
}

// described is a flag's help with its default, and a setting's with its variable.
// Settings are the flags that have a place in the file; others read no variables.
func described(f flags.Flag) string {
	var more []string
	if f.Default != "" {
		more = append(more, "default "+f.Default)
	}
	if _, isSetting := f.Tag.Lookup("yaml"); isSetting {
		more = append(more, config.Variable(f.Name))
	}
	if len(more) == 0 {
		return f.Help
	}
	return f.Help + " (" + strings.Join(more, ", ") + ")"
}

// section is two columns under a heading, and an empty line. The right one is wrapped;
// long names on the left have a line of their own.
func section(heading string, rows [][2]string, columns int) string {
	if columns <= 0 {
		columns = usualColumns
	}
	columns = min(columns, widest)
	left, most := 0, max(columns*3/8, 30)
	for _, row := range rows {
		if n := utf8.RuneCountInString(row[0]); n < most {
			left = max(left, n)
		}
	}
	var text strings.Builder
	text.WriteString(heading + ":\n")
	for _, row := range rows {
		name := row[0]
		lines := wrapped(row[1], columns-leftMargin-left-gap)
		if utf8.RuneCountInString(name) > left {
			lines = append([]string{""}, lines...)
		}
		for _, line := range lines {
			line = fmt.Sprintf("%*s%-*s%*s%s", leftMargin, "", left, name, gap, "", line)
			text.WriteString(strings.TrimRight(line, " ") + "\n")
			name = ""
		}
	}
	return text.String() + "\n"
}

// reflowed breaks the paragraphs of a text anew. A line with nothing before it begins
// one, and those that are indented stay as they are.
func reflowed(text string, columns int) string {
	if columns <= 0 {
		columns = usualColumns
	}
	var lines []string
	paragraph := ""
	end := func() {
		if paragraph != "" {
			lines = append(lines, wrapped(paragraph, min(columns, widest))...)
		}
		paragraph = ""
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" && !strings.HasPrefix(line, " ") {
			paragraph += line + " "
			continue
		}
		end()
		lines = append(lines, line)
	}
	end()
	return strings.Join(lines, "\n")
}

// wrapped breaks a text at spaces into lines that are no longer than width, if no word
// is.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
