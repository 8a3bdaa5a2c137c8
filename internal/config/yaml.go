package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// yamlReader reads a file's tree into the settings' structs. It walks the tree
// itself, so that each error has the setting's path and line, and no text of the
// file.
//
// It reads on after an error, so everything that is wrong is reported together.
type yamlReader struct {
	file     string
	anchors  map[string]ast.Node
	problems []error
}

// readYAML reads the file's text into the draft.
func readYAML(d *draft, text []byte) error {
	r := &yamlReader{file: d.file, anchors: make(map[string]ast.Node)}
	root, err := r.parse(text)
	if err != nil || root == nil {
		return err
	}
	entries, err := r.mapping(root, "")
	if err != nil {
		return err
	}
	one := flat{draft: d}
	for _, e := range entries {
		switch e.key {
		case "queues":
			r.note(r.queues(d, e.value))
		case "targets":
			r.note(r.targets(d, e.value))
		default:
			r.note(r.topLevel(&one, e))
		}
	}
	one.into(r)
	return r.all()
}

// note keeps an error, and reading goes on.
func (r *yamlReader) note(err error) {
	if err != nil {
		r.problems = append(r.problems, err)
	}
}

// all is every error.
func (r *yamlReader) all() error {
	if len(r.problems) < 2 {
		return errors.Join(r.problems...)
	}
	return problems(r.problems)
}

// problems are several errors: one sentence, or one after another.
type problems []error

func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, err := range p {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns them.
func (p problems) Unwrap() []error { return p }

// parse gives the file's one document, nil if it is empty.
func (r *yamlReader) parse(text []byte) (ast.Node, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, r.noYAML(err)
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, fmt.Errorf("%s at line %d: a second YAML document starts: put all settings in one", r.file, line(doc.Body))
		}
		root = doc.Body
	}
	if root != nil {
		ast.Walk(r, root)
	}
	return root, nil
}

// Visit notes the anchors; it makes the reader an ast.Visitor.
func (r *yamlReader) Visit(node ast.Node) ast.Visitor {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		r.anchors[anchor.Name.GetToken().Value] = anchor.Value
	}
	return r
}

// noYAML says where the text stops being YAML.
func (r *yamlReader) noYAML(err error) error {
	syntax, ok := errors.AsType[*yaml.SyntaxError](err)
	if !ok || syntax.Token == nil {
		return fmt.Errorf("%s is not valid YAML", r.file)
	}
	what := syntax.Message
	switch {
	case strings.Contains(what, "already defined"):
		what = "duplicate key: remove one"
	case strings.ContainsAny(what, "\n\"`"):
		what = "not valid YAML from here on"
	default:
		what = "not valid YAML from here on (" + what + ")"
	}
	return fmt.Errorf("%s at line %d: %s", r.file, syntax.Token.Position.Line, what)
}

func (r *yamlReader) queues(d *draft, node ast.Node) error {
	list, ok := r.resolve(node).(*ast.SequenceNode)
	if !ok {
		return r.problem("queues", node, "not a list: begin each queue with '- queue: NAME'")
	}
	for i, item := range list.Values {
		path := fmt.Sprintf("queues[%d]", i)
		q := newPart[Queue](ofQueue, path)
		q.names.at = r.at(path, item)
		r.note(r.fill(reflect.ValueOf(&q.value).Elem(), item, path, "", q.names))
		d.queues = append(d.queues, q)
	}
	return nil
}

func (r *yamlReader) targets(d *draft, node ast.Node) error {
	entries, err := r.mapping(node, "targets")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !maySay(e.key) {
			r.note(r.problem("targets", e.keyNode, "invalid target name: use at most 40 letters, digits, '-', '_' and '.'"))
			continue
		}
		path := join("targets", e.key)
		t := newPart[Target](ofTarget, path)
		t.name = e.key
		t.names.at = r.at(path, e.keyNode)
		r.note(r.fill(reflect.ValueOf(&t.value).Elem(), e.value, path, "", t.names))
		d.targets = append(d.targets, t)
	}
	return nil
}

// fill sets the fields of a struct from a map of the file. The path is for the
// eye; the key is the setting's in its part.
func (r *yamlReader) fill(v reflect.Value, node ast.Node, path, key string, n names) error {
	entries, err := r.mapping(node, path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		r.note(r.field(v, e, path, key, n))
	}
	return nil
}

// field sets the field of a struct that an entry of the file names.
func (r *yamlReader) field(v reflect.Value, e entry, path, key string, n names) error {
	var known []string
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := yamlKey(field)
		known = append(known, name)
		if name != e.key {
			continue
		}
		path, key = join(path, name), join(key, name)
		switch {
		case field.Type == reflect.TypeFor[[]Quota]():
			return r.list(v.Field(i), e, path, key, n)
		case field.Type.Kind() == reflect.Slice:
			return r.headers(v.Field(i), e.value, path, key, n)
		case field.Tag.Get("help") == "":
			return r.fill(v.Field(i), e.value, path, key, n)
		default:
			return r.scalar(v.Field(i), e, path, key, n)
		}
	}
	return r.unknown(e, path, known, n)
}

// fewKeys is how many keys are listed where none is near.
const fewKeys = 8

// unknown is the error of a key that there is not: known are those of its map, and n says of
// which part the map is.
func (r *yamlReader) unknown(e entry, path string, known []string, n names) error {
	name := "a key"
	if maySay(e.key) {
		name = e.key
	}
	hint := "the keys are in docs/settings.md"
	if place := placeOfFlag(e.key, path, n); place != "" {
		hint = "did you mean " + place + "?"
	} else if near := nearest(e.key, known); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(known) <= fewKeys {
		hint = "use " + oneOf(known)
	}
	return r.problem(join(path, name), e.keyNode, "unknown key: %s", hint)
}

// scalar sets one setting.
func (r *yamlReader) scalar(v reflect.Value, e entry, path, key string, n names) error {
	text, err := r.text(e.value)
	if err == nil {
		err = setText(v, text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.at(path, e.keyNode), err)
	}
	n.given[key] = r.at(path, e.keyNode)
	return nil
}

// list sets a list of settings; one alone need not be a list.
func (r *yamlReader) list(v reflect.Value, e entry, path, key string, n names) error {
	items := []ast.Node{e.value}
	if list, ok := r.resolve(e.value).(*ast.SequenceNode); ok {
		items = list.Values
	}
	n.given[key] = r.at(path, e.keyNode)
	for i, item := range items {
		text, err := r.text(item)
		if err == nil {
			err = appendText(v, text)
		}
		at := r.at(path, item)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		n.given[element(key, i)] = at
	}
	return nil
}

// headers sets a list of "Name: value", written as a list or as a map.
func (r *yamlReader) headers(v reflect.Value, node ast.Node, path, key string, n names) error {
	add := func(name string, value ast.Node) error {
		at := r.at(path, value)
		text, err := r.text(value)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		n.given[element(key, v.Len())] = at
		v.Set(reflect.Append(v, reflect.ValueOf(name+text)))
		return nil
	}
	n.given[key] = r.at(path, node)
	if list, ok := r.resolve(node).(*ast.SequenceNode); ok {
		for _, item := range list.Values {
			if err := add("", item); err != nil {
				return err
			}
		}
		return nil
	}
	entries, err := r.mapping(node, path)
	if err != nil {
		return r.problem(path, node, "neither a list nor a map: write '- \"Name: value\"' or 'Name: value' on lines of their own")
	}
	for _, e := range entries {
		if err := add(e.key+": ", e.value); err != nil {
			return err
		}
	}
	return nil
}

// element is the key of one of a list.
func element(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }
