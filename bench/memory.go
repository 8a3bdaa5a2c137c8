package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// memoryCase is a load under which a worker has to stay within its memory.
type memoryCase struct {
	name      string
	mebibytes int
	bodies    []bodies
	slots     int
	queues    int // 0: one
	path      string
	outage    time.Duration
	// forRoom is how many messages may be released to make room in the outage: they come
	// 15 minutes later, and are not waited for.
	forRoom    int
	batch      int  // messages of a request, in events; 0: one message a request
	attributes bool // the bytes are attributes', not the body's
	quick      bool // part of -quick
}

// bodies are a number of messages of one size.
type bodies struct{ messages, size int }

// chartLimit is the limit of the chart's own values.
const chartLimit = 256

const mib = 1<<20 - 1024 // SQS's limit counts attributes and what is around them

var memoryCases = []memoryCase{
	{name: "200 B, 64 slots", mebibytes: 64, bodies: []bodies{{20_000, 200}}, slots: 64},
	{name: "64 KiB, 64 slots", mebibytes: 64, bodies: []bodies{{2_000, 64 << 10}}, slots: 64},
	{name: "1 MiB, 64 slots", mebibytes: 64, bodies: []bodies{{200, mib}}, slots: 64, quick: true},
	{name: "1 MiB, 64 slots", mebibytes: 128, bodies: []bodies{{200, mib}}, slots: 64},
	{name: "1 MiB, 64 slots", mebibytes: chartLimit, bodies: []bodies{{300, mib}}, slots: 64, quick: true},
	{name: "attributes of 1 MiB, 64 slots", mebibytes: 64, bodies: []bodies{{200, mib}}, slots: 64, attributes: true, quick: true},
	{name: "200 B, then 1 MiB, 64 slots", mebibytes: 128, bodies: []bodies{{5_000, 200}, {200, mib}}, slots: 64, quick: true},
	{name: "1 MiB, 10 slots", mebibytes: 64, bodies: []bodies{{100, mib}}, slots: 10},
	{name: "64 KiB, 1,000 slots", mebibytes: 256, bodies: []bodies{{4_000, 64 << 10}}, slots: 1000},
	{name: "64 KiB, 100 queues", mebibytes: 128, bodies: []bodies{{3_000, 64 << 10}}, slots: 64, queues: 100},
	{name: "1 MiB, 64 slots, deliveries of 5 s", mebibytes: 128, bodies: []bodies{{120, mib}}, slots: 64, path: "/sleep/5s"},
	{name: "64 KiB, held in an outage of 20 s", mebibytes: 128, bodies: []bodies{{3_000, 64 << 10}}, slots: 64, outage: 20 * time.Second, quick: true},
	{name: "1 MiB, held in an outage of 20 s", mebibytes: 64, bodies: []bodies{{100, mib}}, slots: 64, outage: 20 * time.Second, forRoom: 1},
	{name: "1 MiB, held in an outage of 20 s", mebibytes: 128, bodies: []bodies{{150, mib}}, slots: 64, outage: 20 * time.Second, forRoom: 1, quick: true},
	{name: "1 MiB, held in an outage of 20 s", mebibytes: chartLimit, bodies: []bodies{{300, mib}}, slots: 64, outage: 20 * time.Second, forRoom: 1},
	{name: "1 MiB, lambda, --batch 10, 64 slots", mebibytes: 128, bodies: []bodies{{200, mib}}, slots: 64, batch: 10, quick: true},
	{name: "64 KiB, lambda, --batch 10, 64 slots", mebibytes: 128, bodies: []bodies{{3_000, 64 << 10}}, slots: 64, batch: 10},
	{name: "1 MiB, lambda, --batch 10, held in an outage of 20 s", mebibytes: 128, bodies: []bodies{{150, mib}}, slots: 64, batch: 10, outage: 20 * time.Second, forRoom: 1},
}

// memory runs a worker within a memory limit, in a cgroup of its own where the machine
// allows it, and measures the most that it took.
func memory(ctx context.Context, o options) ([]row, error) {
	var rows []row
	for _, c := range memoryCases {
		if o.quick && !c.quick {
			continue
		}
		progress(" %s in %d MiB", c.name, c.mebibytes)
		peak, how, err := c.run(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("%s in %d MiB: %w", c.name, c.mebibytes, err)
		}
		r := below(fmt.Sprintf("peak ÷ --memory %d MiB: %s", c.mebibytes, c.name), peak/float64(c.mebibytes), 1, "%.2f")
		r.measured += fmt.Sprintf(" (%.0f MiB, %s)", peak, how)
		progress("  %.0f MiB, %s", peak, how)
		rows = append(rows, r)
	}
	return rows, nil
}

// run returns the most memory that the worker took, in MiB, and how that is known. All
// messages must be delivered.
func (c memoryCase) run(ctx context.Context, o options) (peak float64, how string, err error) {
	o.concurrency, o.batch = c.slots, c.batch
	role := "role-target"
	if c.outage > 0 {
		role = "role-sink"
	}
	s, err := newStageWith(ctx, o, role)
	if err != nil {
		return 0, "", err
	}
	defer s.close()
	s.to = s.target.address
	if c.outage > 0 {
		var said sunk
		if err := s.target.ask(ctx, "/bench/ways?ways="+url.QueryEscape(`{"Takes":5000000}`), &said); err != nil {
			return 0, "", err
		}
		s.to = said.Address
	}
	s.cage = newCage(c.mebibytes)
	defer s.cage.remove()
	if c.queues == 0 {
		if err := c.fill(ctx, s, 0); err != nil {
			return 0, "", err
		}
	}
	flags := []string{"--memory", strconv.Itoa(c.mebibytes) + "MiB", "--visibility-timeout", "1m"}
	path := c.path
	if path == "" {
		path = "/"
	}
	var w *worker
	if c.queues > 0 {
		w, err = s.pollerOf(ctx, c.queues, "", "--memory", strconv.Itoa(c.mebibytes)+"MiB", "--drain-timeout", "6s")
	} else {
		w, err = s.poller(ctx, o.poller, path, c.slots, flags...)
	}
	if err != nil {
		return 0, "", err
	}
	defer w.abandon()
	sent := 0
	for i, b := range c.bodies {
		sent += b.messages
		switch {
		case c.queues > 0:
			s.options.size = b.size
			err = s.sendTo(ctx, c.queues, b.messages)
		case i > 0:
			err = c.fill(ctx, s, i)
		}
		if err != nil {
			return 0, "", err
		}
		if c.outage > 0 {
			err = s.outageOver(ctx, c.outage, sent-c.forRoom)
		} else {
			err = s.arrived(ctx, sent)
		}
		if err != nil {
			return 0, "", err
		}
	}
	used, err := w.end()
	if err == nil && used.code != 0 {
		err = fmt.Errorf("it exited with %d: %w", used.code, s.cage.why())
	}
	how = "its own high-water mark"
	if most := s.cage.peak(); most > 0 {
		// The kernel counts file pages too, which it can take back; it kills for what is left.
		how = "in a cgroup of that limit, not killed; " + how
	}
	return used.peak, how, err
}

func (c memoryCase) fill(ctx context.Context, s *stage, i int) error {
	b := c.bodies[i]
	if c.attributes {
		return s.sendAttributes(ctx, b.messages, b.size)
	}
	text := `{"bench":"` + strings.Repeat("x", b.size-12) + `"}`
	return s.fill(ctx, b.messages, func(int) string { return text })
}

// sendAttributes sends messages of that many bytes of attributes, and a body of two.
func (s *stage) sendAttributes(ctx context.Context, n, size int) error {
	const attributes = 8
	value := strings.Repeat("x", (size-200)/attributes)
	all := make(map[string]types.MessageAttributeValue)
	for i := range attributes {
		all["a"+strconv.Itoa(i)] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	for range n {
		if _, err := s.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &s.url, MessageBody: aws.String("{}"), MessageAttributes: all}); err != nil {
			return err
		}
	}
	return nil
}

// arrived waits until the target has answered n different messages.
func (s *stage) arrived(ctx context.Context, n int) error {
	var a arrivals
	err := until(ctx, 3*time.Minute, func() (bool, error) {
		var err error
		a, err = s.seen(ctx)
		return a.Different >= n && a.Running == 0, err
	})
	if err != nil {
		return fmt.Errorf("%d of %d messages were delivered: %w", a.Different, n, err)
	}
	return nil
}

// outageOver has the sink go down, and waits until it has taken n different messages.
func (s *stage) outageOver(ctx context.Context, while time.Duration, n int) error {
	t := &trial{stage: s}
	if err := until(ctx, time.Minute, func() (bool, error) {
		all, err := t.sunk(ctx)
		return len(all.Tries) > 0, err
	}); err != nil {
		return err
	}
	if _, err := t.away(ctx, "503", while); err != nil {
		return err
	}
	got := 0
	err := until(ctx, 3*time.Minute, func() (bool, error) {
		all, err := t.sunk(ctx)
		got = len(all.delivered())
		return got >= n, err
	})
	if err != nil {
		return fmt.Errorf("%d of %d messages were delivered: %w", got, n, err)
	}
	return nil
}
