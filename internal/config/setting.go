package config

import (
	"reflect"
	"strings"
)

// Setting is one thing that can be set.
type Setting struct {
	// Flag is its name on the command line, without dashes, and Variable the one
	// that says the same. Both are empty for what only the file can say.
	Flag, Variable string
	// YAML is its place in the file, such as targets.NAME.rate. It is empty for what
	// the file cannot say.
	YAML string
	// Default is as it would be written; empty: none, or one that Help tells.
	Default string
	Help    string

	scope scope
	key   string // in its scope, such as rate or log.level
	index []int  // of its field, in Flags
}

// scope is what a setting belongs to.
type scope uint8

const (
	ofDaemon scope = iota
	ofQueue
	ofTarget
)

// within is the field's index in Config, Queue or Target.
func (s Setting) within() []int { return s.index[1:] }

// Settings lists every setting once, in the order of the help.
func Settings() []Setting {
	var list []Setting
	t := reflect.TypeFor[Flags]()
	for field := range t.Fields() {
		switch field.Type {
		case reflect.TypeFor[Queue]():
			list = append(list, settingsOf(field, ofQueue, "")...)
		case reflect.TypeFor[Target]():
			list = append(list, settingsOf(field, ofTarget, "")...)
		case reflect.TypeFor[Config]():
			list = append(list, settingsOf(field, ofDaemon, "")...)
		default:
			list = append(list, settingOf(field, "", ""))
		}
	}
	return list
}

// settingsOf lists the settings of a struct that Flags embeds.
func settingsOf(parent reflect.StructField, s scope, flagPrefix string) []Setting {
	var list []Setting
	for i := range parent.Type.NumField() {
		field := parent.Type.Field(i)
		prefix := yamlKey(parent)
		if _, isStruct := field.Tag.Lookup("embed"); isStruct {
			for _, inner := range settingsOf(field, s, field.Tag.Get("prefix")) {
				inner.index = append([]int{parent.Index[0]}, inner.index...)
				inner.YAML = join(prefix, inner.YAML)
				list = append(list, inner)
			}
			continue
		}
		if field.Tag.Get("help") == "" {
			continue // a list or map of settings, not one
		}
		one := settingOf(field, flagPrefix, prefix)
		one.scope = s
		one.index = []int{parent.Index[0], i}
		list = append(list, one)
	}
	for i := range list {
		list[i].key = strings.TrimPrefix(strings.TrimPrefix(list[i].YAML, yamlKey(parent)), ".")
		if s == ofDaemon {
			list[i].key = list[i].YAML
		}
	}
	return list
}

func settingOf(field reflect.StructField, flagPrefix, yamlPrefix string) Setting {
	s := Setting{
		Default: field.Tag.Get("default"),
		Help:    field.Tag.Get("help"),
		index:   field.Index,
	}
	if key := yamlKey(field); key != "" {
		s.YAML = join(yamlPrefix, key)
	}
	if name := field.Tag.Get("name"); name != "" {
		s.Flag = flagPrefix + name
		s.Variable = Variable(s.Flag)
	}
	return s
}

// yamlKey is the key that a field's tag says, or "".
func yamlKey(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	if key == "-" {
		return ""
	}
	return key
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
