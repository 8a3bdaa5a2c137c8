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

	"github.com/sqs-poller/poller/internal/admin"
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
	var list []admin.Held
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
func printHeld(out io.Writer, now time.Time, list []admin.Held, all int) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "Nothing is held.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "MESSAGE\tQUEUE\tRECEIVE\tTRIES\tHELD FOR\tLAST ANSWER\tSTRIKES\tNEXT TRY")
	for _, m := range list {
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			m.MessageID, m.Queue, strconv.Itoa(m.ReceiveCount), strconv.Itoa(m.Tries), m.HeldFor(now),
			m.LastAnswer(), strconv.Itoa(m.Strikes), m.NextTry(now),
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
