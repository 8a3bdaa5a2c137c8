package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/settings.md's table and docs/poller.schema.json")

const (
	settingsDoc = "../../docs/settings.md"
	schemaDoc   = "../../docs/poller.schema.json"
	tableHead   = "| flag | variable | file | default | |\n|---|---|---|---|---|\n"
)

// row is a setting's line in the docs' table.
func row(s Setting) string {
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`" + text + "`"
	}
	name := s.Flag
	if name != "" {
		name = "--" + name
	}
	return strings.ReplaceAll(fmt.Sprintf("| %s | %s | %s | %s | %s |\n", code(name), code(s.Variable), code(s.YAML), s.Default, s.Help), "|  ", "| ")
}

func TestTheDocsHaveEachSettingOnceAndNoOther(t *testing.T) {
	doc, err := os.ReadFile(settingsDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(doc), tableHead)
	if !found {
		t.Fatalf("no table with the head\n%s", tableHead)
	}
	rows, after, _ := strings.Cut(after, "\n\n")
	var want strings.Builder
	for _, s := range Settings() {
		want.WriteString(row(s))
	}
	if *update {
		if err := os.WriteFile(settingsDoc, []byte(before+tableHead+want.String()+"\n"+strings.TrimLeft(after, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if rows+"\n" != want.String() {
		t.Errorf("%s has\n%s\nthe code\n%s", settingsDoc, rows, want.String())
	}
}

// examples are the files that a page shows.
func examples(t *testing.T, path string) []string {
	t.Helper()
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, found := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		all = append(all, found[1])
	}
	if len(all) == 0 {
		t.Fatalf("%s shows no file", path)
	}
	return all
}

func TestTheDocsExamplesOfAFileLoadAndTheLastHasEachKey(t *testing.T) {
	full := examples(t, settingsDoc)
	for _, s := range Settings() {
		key := s.YAML[strings.LastIndex(s.YAML, ".")+1:]
		if key != "" && !strings.Contains(full[len(full)-1], key+":") {
			t.Errorf("it does not show %s", s.YAML)
		}
	}
	for _, file := range append(examples(t, "../../README.md"), full...) {
		mustLoad(t, input{file: file})
	}
}

func TestEverySettingHasItsNamesAndHelp(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range Settings() {
		for _, name := range []string{"--" + s.Flag, s.YAML} {
			if name != "" && name != "--" && seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
		if s.Help == "" || s.Flag == "" && s.YAML == "" || (s.Flag == "") != (s.Variable == "") {
			t.Errorf("%+v", s)
		}
	}
	if !seen["log.level"] || !seen["--log-level"] || !seen["queues[].gather"] || !seen["targets.NAME.backoff_max"] {
		t.Errorf("%v", seen)
	}
}

// schema is one node of a JSON Schema.
type schema struct {
	Schema               string              `json:"$schema,omitempty"`
	Title                string              `json:"title,omitempty"`
	Description          string              `json:"description,omitempty"`
	Type                 any                 `json:"type,omitempty"`
	Enum                 []string            `json:"enum,omitempty"`
	Pattern              string              `json:"pattern,omitempty"`
	Minimum              *int                `json:"minimum,omitempty"`
	Maximum              *int                `json:"maximum,omitempty"`
	Default              any                 `json:"default,omitempty"`
	MaxItems             int                 `json:"maxItems,omitempty"`
	Items                *schema             `json:"items,omitempty"`
	Properties           map[string]schema   `json:"properties,omitempty"`
	Required             []string            `json:"required,omitempty"`
	DependentRequired    map[string][]string `json:"dependentRequired,omitempty"`
	AdditionalProperties any                 `json:"additionalProperties,omitempty"`
}

const durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

// enums are the keys that take one of a few words.
var enums = map[string][]string{
	"level":       {"debug", "info", "warn", "error"},
	"log.format":  {"auto", "text", "json"},
	"Target.form": formats,
	"unwrap":      {"none", "sns"},
	"style":       {"basic", "form"},
	"service":     services,
	"on_rejected": {"retry", "dead-letter", "discard"},
}

// patterns are of keys whose text has a form that a schema can say. What is empty lacks
// a value, which poller says better.
var patterns = map[string]string{
	"url":   `^(https?://\S+)?$`,
	"queue": `^\S*$`,
}

// together are keys of a target that need one another.
var together = map[string][]string{"tls_cert": {"tls_key"}, "tls_key": {"tls_cert"}}

// schemaOf describes a struct as a map of the file, by its fields' tags.
func schemaOf(t reflect.Type) schema {
	s := schema{Type: "object", Properties: make(map[string]schema), AdditionalProperties: false}
	for field := range t.Fields() {
		one := schemaOfField(field, t)
		one.Description = field.Tag.Get("help")
		if text, ok := field.Tag.Lookup("default"); ok {
			one.Default = text
			if n, err := strconv.Atoi(text); err == nil {
				one.Default = n
			}
		}
		s.Properties[yamlKey(field)] = one
	}
	if t == reflect.TypeFor[Target]() {
		s.DependentRequired = together
	}
	return s
}

func schemaOfField(field reflect.StructField, parent reflect.Type) schema {
	one, most := 1, maxConcurrency
	switch field.Type {
	case reflect.TypeFor[Duration]():
		return schema{Type: "string", Pattern: durationPattern}
	case reflect.TypeFor[Size]():
		return schema{Type: []string{"string", "integer"}, Pattern: `^[0-9]+([KMG]iB?)?$`}
	case reflect.TypeFor[Rate]():
		return schema{Type: []string{"string", "number"}, Pattern: `^([0-9]+(\.[0-9]+)?(/[smh])?|none)$`}
	case reflect.TypeFor[[]Quota]():
		const pattern = `^[1-9][0-9]*/[smhd]$`
		return schema{Type: []string{"array", "string"}, Items: &schema{Type: "string", Pattern: pattern}, Pattern: pattern, MaxItems: maxQuotas}
	case reflect.TypeFor[Level]():
		return schema{Enum: enums["level"]}
	case reflect.TypeFor[[]string]():
		// A list of "Name: value", or a map.
		return schema{
			Type:                 []string{"array", "object"},
			Items:                &schema{Type: "string"},
			AdditionalProperties: schema{Type: []string{"string", "number", "boolean"}},
		}
	case reflect.TypeFor[[]Queue]():
		queue := schemaOf(reflect.TypeFor[Queue]())
		return schema{Type: "array", Items: &queue}
	case reflect.TypeFor[map[string]Target]():
		return schema{Type: "object", AdditionalProperties: schemaOf(reflect.TypeFor[Target]())}
	}
	switch {
	case field.Type.Kind() == reflect.Struct:
		return schemaOf(field.Type)
	case field.Type.Kind() == reflect.Int:
		switch field.Name {
		case "Batch":
			most = maxBatch
		case "Burst":
			most = maxBurst
		case "Weight":
			most = maxWeight
		}
		return schema{Type: "integer", Minimum: &one, Maximum: &most}
	case field.Type.Kind() == reflect.Bool:
		return schema{Type: "boolean"}
	case field.Name == "Format" && parent == reflect.TypeFor[Log]():
		return schema{Enum: enums["log.format"]}
	case field.Name == "Format":
		return schema{Enum: enums["Target.form"]}
	case field.Name == "Style" || field.Name == "Service":
		return schema{Enum: enums[yamlKey(field)]}
	case field.Name == "Unwrap":
		return schema{Enum: enums["unwrap"]}
	case field.Name == "OnRejected":
		return schema{Enum: enums["on_rejected"]}
	default:
		return schema{Type: "string", Pattern: patterns[yamlKey(field)]}
	}
}

func TestTheDocsNameTheKeysThatAreNotTheirFlags(t *testing.T) {
	for _, path := range []string{settingsDoc, "../../README.md"} {
		doc, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(doc), "with `_` instead of")
		paragraph, _, _ := strings.Cut(after, "\n\n")
		for _, s := range Settings() {
			first, _, _ := strings.Cut(s.key, ".")
			same := s.key == strings.ReplaceAll(s.Flag, "-", "_") || s.scope == ofTarget && s.key == "url"
			if s.Flag != "" && s.YAML != "" && !same && !strings.Contains(paragraph, "`"+first+"`") {
				t.Errorf("%s does not say that --%s is %s in the file", path, s.Flag, s.key)
			}
		}
	}
}

func TestTheSchemaOfTheFileIsTheCodes(t *testing.T) {
	s := schemaOf(reflect.TypeFor[Config]())
	queue, target := schemaOf(reflect.TypeFor[Queue]()), schemaOf(reflect.TypeFor[Target]())
	for _, key := range flatQueueKeys() {
		s.Properties[key] = queue.Properties[key]
	}
	for _, key := range flatTargetKeys() {
		s.Properties[key] = target.Properties[key]
	}
	s.Properties[urlKey] = target.Properties["url"]
	s.DependentRequired = together
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "poller's settings"
	want, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaDoc, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(schemaDoc)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s is not what the code says (%v): go test ./internal/config -update", schemaDoc, err)
	}
}
