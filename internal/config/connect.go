package config

import (
	"errors"
	"fmt"
	"slices"
)

// connect finds the target of each queue, and says which queue or target is
// missing.
func (d *draft) connect() error {
	if len(d.queues) == 0 {
		return errors.New("no queue given: set --queue or POLLER_QUEUE to its URL, ARN or name" + d.orInFile("queues"))
	}
	if len(d.targets) == 0 {
		return errors.New("no target given: set --target or POLLER_TARGET to the URL to deliver to" + d.orInFile("targets"))
	}
	for i := range d.queues {
		if err := d.connectQueue(&d.queues[i]); err != nil {
			return err
		}
	}
	for _, t := range d.targets {
		if t.value.URL == "" {
			return missing(t.names, "url", "--target or POLLER_TARGET to the URL to deliver to")
		}
		uses := func(q part[Queue]) bool { return q.value.Target == t.name }
		if !slices.ContainsFunc(d.queues, uses) {
			return fmt.Errorf("%s: no queue uses this target: name it as a queue's target, or remove it", t.names.at)
		}
	}
	return nil
}

func (d *draft) connectQueue(q *part[Queue]) error {
	if q.value.Queue == "" {
		return missing(q.names, "queue", "--queue or POLLER_QUEUE to its URL, ARN or name")
	}
	var known []string
	for _, t := range d.targets {
		known = append(known, t.name)
	}
	switch {
	case slices.Contains(known, q.value.Target):
		return nil
	case q.value.Target != "":
		return q.names.problem("target", "unknown target: use %s", nearestOr(q.value.Target, known))
	case len(known) > 1:
		return fmt.Errorf("%s: it names no target: add target: %s", q.names.at, oneOf(known))
	}
	q.value.Target = known[0]
	return nil
}

// missing says that a queue or target lacks what it cannot do without.
func missing(n names, key, flag string) error {
	if n.at == "" {
		return fmt.Errorf("%s is missing: set %s", n.of(key), flag)
	}
	return fmt.Errorf("%s: %s is missing: add it there, or set %s", n.at, key, flag)
}

// orInFile is said where there is a file that lacks something.
func (d *draft) orInFile(key string) string {
	if d.file == "" {
		return ", or name a file with --config"
	}
	return ", or write " + key + " in " + d.file
}
