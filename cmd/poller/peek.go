package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
	"github.com/sqs-poller/poller/internal/redrive"
)

// maxPeek is the most messages that a peek shows.
const maxPeek = 1000

// peekCmd is `poller peek`.
type peekCmd struct {
	Queue string `name:"queue" required:"" bare:"" placeholder:"QUEUE" help:"The queue: its URL, ARN or name."`
	Max   int    `name:"max" default:"20" placeholder:"N" help:"How many messages at most, 1 to 1,000."`
	Body  bool   `name:"body" help:"Show bodies, too."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help shows an example first.
func (c *peekCmd) Help() string {
	return `Example:
  poller peek --queue orders-dlq
  poller peek --queue orders-dlq --max 100 --json --body

Shows the messages in a queue: id, age, receives, group, size, names of attributes,
and why poller sent them there, if it did. SQS cannot show a message without handing
it out, so each one is hidden for a moment and gets one more receive. In a dead-letter
queue that does no harm; in a queue with a redrive policy, it may be the receive that
moves a message to the dead-letter queue.`
}

// peeked is a message as JSON.
type peeked struct {
	MessageID    string    `json:"message_id"`
	SentAt       time.Time `json:"sent_at"`
	AgeSeconds   int64     `json:"age_seconds"`
	ReceiveCount int       `json:"receive_count"`
	GroupID      string    `json:"group_id,omitempty"`
	SizeBytes    int       `json:"size_bytes"`
	Attributes   []string  `json:"attributes"`
	Reason       string    `json:"reason,omitempty"`
	Body         *string   `json:"body,omitempty"`
}

// Run looks, and prints.
func (c *peekCmd) Run(p *process) error {
	if c.Max < 1 || c.Max > maxPeek {
		return fmt.Errorf("--max %d: use 1 to 1,000", c.Max)
	}
	client, q, err := openQueue(p, "--queue", c.Queue)
	if err != nil {
		return err
	}
	defer client.Close()
	found, hidden, err := redrive.Peek(p.drain, p.now, q, c.Max)
	if len(found) > 0 {
		say(p, "note", costOf(p, q))
	}
	if err != nil {
		return err
	}
	if hidden > 0 {
		say(p, "warning", fmt.Sprintf("%s could not be put back and will be visible in two minutes", counted(hidden, "message")))
	}
	list := make([]peeked, len(found))
	for i, m := range found {
		list[i] = c.peeked(q, m)
	}
	if c.JSON {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(list)
	}
	return c.print(p.stdout, q.Name(), list)
}

// costOf says what it costs to have looked.
func costOf(p *process, q *queue.Queue) string {
	cost := "each message shown has one receive more"
	if a, err := q.Look(p.drain); err == nil && a.MaxReceiveCount > 0 {
		cost += fmt.Sprintf("; with maxReceiveCount %d the queue moves one that has too many to %s", a.MaxReceiveCount, lastPart(a.DeadLetterQueueARN))
	}
	return cost
}

// openQueue finds a queue that a flag names.
func openQueue(p *process, flag, ref string) (*queue.Client, *queue.Queue, error) {
	client, err := queue.NewClient(p.drain, queue.Options{UserAgent: "poller/" + build().Version})
	if err != nil {
		return nil, nil, err
	}
	q, err := client.Open(p.drain, ref)
	if err != nil {
		client.Close()
		return nil, nil, fmt.Errorf("%s: %w", flag, err)
	}
	return client, q, nil
}

func (c *peekCmd) peeked(q *queue.Queue, m *message.Message) peeked {
	one := peeked{
		MessageID: m.ID, SentAt: m.SentAt.UTC(), AgeSeconds: int64(q.Age(time.Now(), m).Seconds()),
		ReceiveCount: m.ReceiveCount, GroupID: m.GroupID, SizeBytes: m.Size(),
		Attributes: append([]string{}, slices.Sorted(maps.Keys(m.Attributes))...),
	}
	if r, ok := queue.RejectionOf(m); ok {
		one.Reason = r.Reason
		if r.Status != "" && r.Status != "0" {
			one.Reason = r.Status
		}
	}
	if c.Body {
		one.Body = &m.Body
	}
	return one
}

// print prints a table, and each body under its message.
func (c *peekCmd) print(out io.Writer, name string, list []peeked) error {
	if len(list) == 0 {
		_, err := fmt.Fprintf(out, "%s has no visible message.\n", name)
		return err
	}
	var rows strings.Builder
	table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "MESSAGE\tAGE\tRECEIVES\tGROUP\tBYTES\tREASON\tATTRIBUTES")
	for _, m := range list {
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			m.MessageID, roughly(time.Duration(m.AgeSeconds) * time.Second), strconv.Itoa(m.ReceiveCount), dashed(m.GroupID),
			strconv.Itoa(m.SizeBytes), dashed(m.Reason), dashed(strings.Join(m.Attributes, ", ")),
		}, "\t"))
	}
	_ = table.Flush() // a strings.Builder takes everything
	lines := strings.SplitAfter(strings.TrimSuffix(rows.String(), "\n"), "\n")
	var text strings.Builder
	for i, line := range lines {
		text.WriteString(strings.TrimRight(line, " \n") + "\n")
		if i > 0 && c.Body {
			text.WriteString("    " + strings.ReplaceAll(printable(*list[i-1].Body), "\n", "\n    ") + "\n")
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// dashed is a text, or a dash for none: a column is never empty. What a terminal would take
// for a command is not shown.
func dashed(text string) string {
	if text == "" {
		return "-"
	}
	return printable(text)
}

// printable is a text whose control characters cannot do anything to a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0) {
			return '�'
		}
		return r
	}, text)
}

// roughly is a duration as a person says it: whole seconds, or less under one.
func roughly(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
