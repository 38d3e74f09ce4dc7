package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"bisc/internal/host"
	"bisc/layers"
)

// validator compiles the shipped schema. Strict, it also refuses every field that the schema does not name.
func validator(t *testing.T, strict bool) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if strict {
		seal(doc)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// seal forbids unnamed fields in every object that names some.
func seal(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"]; ok && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, sub := range v {
			seal(sub)
		}
	case []any:
		for _, sub := range v {
			seal(sub)
		}
	}
}

func asJSON(t *testing.T, doc Document) any {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, doc); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDocumentsFollowTheSchema(t *testing.T) {
	s := validator(t, true)
	lost := layers.HostReport{Host: "mia-sw01", Err: fmt.Errorf("dialling: %w", host.ErrUnreachable)}
	o := outcome(storage, layers.Drifted, "file", "/x", 1)
	o.Change.Differ("content", "a", "b")
	o.Change.Do(host.Push{Path: "/x", Digest: strings.Repeat("0a", 32), Size: 5, Mode: 0o755},
		host.Put{Path: "/y", Content: []byte("\xff\x00"), Mode: 0o4755, Guards: []host.Guard{host.ValidatorStopped()}, Verify: []string{"true", "{path}"}})
	for name, rep := range map[string]layers.Report{
		"empty": {}, "every class": append(everything(), lost), "applied": applied(), "hostile": hostile(),
		"secret": report(secretFile()), "push": report(o),
	} {
		for _, verb := range []string{"plan", "apply", "check", "drift", "run"} {
			for _, wire := range []bool{false, true} {
				doc := New(Run{Verb: verb, Started: began, Exit: Of(verb, rep, nil), Wire: wire}, rep)
				if err := s.Validate(asJSON(t, doc)); err != nil {
					t.Errorf("%s of %s: %v", verb, name, err)
				}
			}
		}
	}
}

// A schema that takes everything would pass the test above.
func TestSchemaRefuses(t *testing.T) {
	s := validator(t, false)
	good := New(Run{Verb: "plan", Started: began}, everything())
	for name, spoil := range map[string]func(doc map[string]any){
		"no version":      func(d map[string]any) { delete(d, "format_version") },
		"another version": func(d map[string]any) { d["format_version"] = "2" },
		"no such verb":    func(d map[string]any) { d["verb"] = "destroy" },
		"no such status":  func(d map[string]any) { d["exit_status"] = json.Number("9") },
		"no such state":   func(d map[string]any) { first(d)["state"] = "fine" },
		"null for a list": func(d map[string]any) { first(d)["diffs"] = nil },
		"unknown without why": func(d map[string]any) {
			first(d)["state"] = "unknown"
			delete(first(d), "error")
		},
		"started is no time":          func(d map[string]any) { d["started"] = "yesterday" },
		"an error without its status": func(d map[string]any) { d["hosts"].([]any)[0].(map[string]any)["error"] = "x" },
	} {
		v := asJSON(t, good)
		spoil(v.(map[string]any))
		if err := s.Validate(v); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := s.Validate(asJSON(t, good)); err != nil {
		t.Error(err)
	}
}

func first(doc map[string]any) map[string]any {
	return doc["hosts"].([]any)[0].(map[string]any)["items"].([]any)[0].(map[string]any)
}
