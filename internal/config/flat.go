package config

import (
	"fmt"
	"reflect"
	"slices"
)

// flat is the one queue and the one target of a file that has their keys at its top
// level: queue, target (the URL), rate and so on.
type flat struct {
	draft  *draft
	queue  *part[Queue]
	target *part[Target]
	// The first key of each, with its line.
	queueAt, targetAt string
}

// urlKey is a target's URL where its other keys stand beside it, as on the command line.
const urlKey = "target"

// topLevel sets a key of the file's top level that is no list of queues or targets.
func (r *yamlReader) topLevel(f *flat, e entry) error {
	daemon, queue, target := keysOf[Config](), flatQueueKeys(), flatTargetKeys()
	switch {
	case slices.Contains(daemon, e.key):
		return r.field(reflect.ValueOf(&f.draft.daemon.value).Elem(), e, "", "", f.draft.daemon.names)
	case slices.Contains(queue, e.key):
		if f.queue == nil {
			q := newPart[Queue](ofQueue, "")
			f.queue, f.queueAt = &q, r.at(e.key, e.keyNode)
		}
		return r.field(reflect.ValueOf(&f.queue.value).Elem(), e, "", "", f.queue.names)
	case slices.Contains(target, e.key):
		if f.target == nil {
			t := newPart[Target](ofTarget, "")
			t.name = onlyTarget
			f.target, f.targetAt = &t, r.at(e.key, e.keyNode)
		}
		if e.key == urlKey {
			return r.scalar(reflect.ValueOf(&f.target.value.URL).Elem(), e, urlKey, "url", f.target.names)
		}
		return r.field(reflect.ValueOf(&f.target.value).Elem(), e, "", "", f.target.names)
	}
	return r.unknown(e, "", slices.Concat(daemon, queue, target), f.draft.daemon.names)
}

// into adds the one queue and the one target to the draft.
func (f *flat) into(r *yamlReader) {
	d := f.draft
	twice := func(at, list string) {
		r.note(fmt.Errorf("%s: the file has %s too: move this key into an entry there", at, list))
	}
	switch {
	case f.queue == nil:
	case len(d.queues) > 0:
		twice(f.queueAt, "queues")
	default:
		d.queues = append(d.queues, *f.queue)
	}
	switch {
	case f.target == nil:
	case len(d.targets) > 0:
		twice(f.targetAt, "targets")
	default:
		d.targets = append(d.targets, *f.target)
	}
}

// keysOf are the keys of a struct's map in the file.
func keysOf[T any]() []string {
	var keys []string
	for field := range reflect.TypeFor[T]().Fields() {
		keys = append(keys, yamlKey(field))
	}
	return keys
}

// flatQueueKeys are a queue's without the name of its target, of which there is one.
func flatQueueKeys() []string {
	return slices.DeleteFunc(keysOf[Queue](), func(key string) bool { return key == "target" })
}

func flatTargetKeys() []string {
	keys := slices.DeleteFunc(keysOf[Target](), func(key string) bool { return key == "url" })
	return append(keys, urlKey)
}
