package receiver

import (
	"bytes"
	"encoding/json"
	"slices"
)

// object is a JSON object that is read strictly: the names of its members are exact, and
// every one of them is known. where is its place in the request, for problems.
type object struct {
	where   string
	members map[string]json.RawMessage
}

// objectOf reads an object. required members must be there, optional ones may; nil means
// that any others may.
func objectOf(text []byte, where string, required, optional []string) (object, *Problem) {
	o := object{where: where}
	if !isKind(text, '{') || json.Unmarshal(text, &o.members) != nil {
		return o, malformed("%s is not a JSON object", where)
	}
	for _, name := range required {
		if o.members[name] == nil {
			return o, malformed("%s has no %s", where, name)
		}
	}
	if optional == nil {
		return o, nil
	}
	for name := range o.members {
		if !slices.Contains(required, name) && !slices.Contains(optional, name) {
			return o, malformed("%s has a member that is unknown", where)
		}
	}
	return o, nil
}

// text returns a member that is a string; "" if it is not there.
func (o object) text(name string) (string, *Problem) {
	raw := o.members[name]
	if raw == nil {
		return "", nil
	}
	var s string
	if !isKind(raw, '"') || json.Unmarshal(raw, &s) != nil {
		return "", malformed("%s.%s is not a string", o.where, name)
	}
	return s, nil
}

// texts returns several of them.
func (o object) texts(names ...string) (map[string]string, *Problem) {
	values := make(map[string]string, len(names))
	for _, name := range names {
		value, p := o.text(name)
		if p != nil {
			return nil, p
		}
		values[name] = value
	}
	return values, nil
}

// list returns a member that is an array.
func (o object) list(name string) ([]json.RawMessage, *Problem) {
	all, ok := listOf(o.members[name])
	if !ok {
		return nil, malformed("%s.%s is not an array", o.where, name)
	}
	return all, nil
}

func listOf(text []byte) ([]json.RawMessage, bool) {
	var all []json.RawMessage
	ok := isKind(text, '[') && json.Unmarshal(text, &all) == nil
	return all, ok
}

// isKind reports whether a JSON text begins with a byte, which says what kind it is of.
func isKind(text []byte, begin byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == begin
}
