package admin

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestTheDocsNameEveryFieldOfStatusJSON(t *testing.T) {
	docs, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range fieldNames(reflect.TypeFor[Status](), map[reflect.Type]bool{}) {
		if !strings.Contains(string(docs), "`"+name+"`") {
			t.Errorf("docs/status.md does not name %s", name)
		}
	}
}

// fieldNames returns the JSON names of a type and of all types in it.
func fieldNames(of reflect.Type, seen map[reflect.Type]bool) []string {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		return fieldNames(of.Elem(), seen)
	case reflect.Struct:
		if seen[of] || of.PkgPath() != reflect.TypeFor[Status]().PkgPath() {
			return nil
		}
	default:
		return nil
	}
	seen[of] = true
	var names []string
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		names = append(append(names, name), fieldNames(field.Type, seen)...)
	}
	return names
}

func TestTheDocsNameEveryPath(t *testing.T) {
	docs, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !strings.HasSuffix(path, ".css") && !strings.HasSuffix(path, ".js") && path != "/icon.svg" &&
			!strings.Contains(string(docs), "| `"+path+"` |") {
			t.Errorf("docs/status.md does not name the path %s", path)
		}
	}
}
