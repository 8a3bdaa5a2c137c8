package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// heldCmd is `poller held`.
type heldCmd struct {
	daemonOf `embed:""`

	JSON bool `name:"json" help:"Print JSON: the list held of /status.json."`
}

// Help shows an example first.
func (c *heldCmd) Help() string {
	return `Example:
  poller held
  poller held --json

Lists the messages that the daemon on this machine holds: their delivery failed, and
they are kept in hand and retried until it is clear whether the message or the target
is at fault. Shows the 100 that have been held longest, with their tries, last answer,
strikes and next try. It needs no token and costs no receive.`
}

// heldMessage is one as /status.json has it.
type heldMessage struct {
	Queue        string     `json:"queue"`
	MessageID    string     `json:"message_id"`
	ReceiveCount int        `json:"receive_count"`
	Tries        int        `json:"tries"`
	Strikes      int        `json:"strikes"`
	Since        time.Time  `json:"since"`
	Outcome      string     `json:"outcome"`
	Status       int        `json:"status"`
	Reason       string     `json:"reason"`
	Next         *time.Time `json:"next_try"`
	WaitsFor     string     `json:"waits_for"`
	NextProbe    *time.Time `json:"next_probe"`
}

// Run asks the daemon.
func (c *heldCmd) Run(p *process) error {
	found, err := c.load()
	if err != nil {
		return err
	}
	found.ControlToken = "" // none is needed
	status, answer, err := ask(p.now, http.MethodGet, found, "/status.json", nil)
	if err != nil {
		return err
	}
	var is struct {
		At     time.Time       `json:"at"`
		Held   json.RawMessage `json:"held"`
		Queues []struct {
			InHand map[string]int `json:"in_hand"`
		} `json:"queues"`
	}
	var list []heldMessage
	if status != http.StatusOK || json.Unmarshal(answer, &is) != nil || json.Unmarshal(is.Held, &list) != nil {
		return fmt.Errorf("%s gave an answer that is not this poller's: is this its --listen, and of the same version?", local(found.Listen))
	}
	if c.JSON {
		_, err = fmt.Fprintln(p.stdout, string(is.Held))
		return err
	}
	all := 0
	for _, q := range is.Queues {
		all += q.InHand["held"]
	}
	return printHeld(p.stdout, is.At, list, all)
}

// printHeld prints a table, and how many are not in it.
func printHeld(out io.Writer, now time.Time, list []heldMessage, all int) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "Nothing is held.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "MESSAGE\tQUEUE\tRECEIVE\tTRIES\tHELD FOR\tLAST ANSWER\tSTRIKES\tNEXT TRY")
	for _, m := range list {
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			m.MessageID, m.Queue, strconv.Itoa(m.ReceiveCount), strconv.Itoa(m.Tries), roughly(now.Sub(m.Since)),
			m.answer(), strconv.Itoa(m.Strikes), m.next(now),
		}, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if more := all - len(list); more > 0 {
		_, err := fmt.Fprintf(out, "%s more are held.\n", strconv.Itoa(more))
		return err
	}
	return nil
}

// next says when it is tried next, or what that depends on.
func (m *heldMessage) next(now time.Time) string {
	switch {
	case m.WaitsFor == "release":
		return "none: given up, released soon"
	case m.WaitsFor == "resume":
		return "when resumed"
	case m.NextProbe != nil && m.NextProbe.After(now):
		return "after the probe at " + m.NextProbe.UTC().Format("15:04:05 UTC")
	case m.Next == nil:
		return "after the probe that is out"
	case !m.Next.After(now):
		return "now"
	default:
		return "in " + roughly(m.Next.Sub(now))
	}
}

// answer is what the last try came to.
func (m *heldMessage) answer() string {
	if m.Status != 0 {
		return m.Outcome + " " + strconv.Itoa(m.Status)
	}
	return m.Outcome + " " + m.Reason
}

// roughly is a duration as a person says it: whole seconds, or less under one.
func roughly(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
