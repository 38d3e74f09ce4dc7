package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"bisc/discover"
)

// foundSample is a host of which there is something of each sort to say.
func foundSample() *discover.Found {
	return &discover.Found{Host: "a", OS: "Debian", Machine: "0123", Shape: discover.Shape{Name: "B", What: "zvol\x1b[31m"},
		Blocks: []*discover.Block{
			{Layer: "storage", Kind: "mount", Label: "/srv", Notes: []string{"n"}, Faults: []string{"lacks nofail"}, Differs: []string{"after boot: boot_critical: true, want false"}},
			{Layer: "storage", Kind: "zpool", Label: "p", Unknown: "no answer in 30s"},
		},
		Remarks: []discover.Remark{{State: discover.Outside, Subject: "cron", Name: "x", Why: "y"}, {State: discover.Ephemeral, Subject: "listener", Name: "x", Why: "y"}, {State: discover.Unknown, Subject: "zfs", Name: "x", Why: "y"}},
		Variants: &discover.Variants{Plan: "plans/x", Variable: "variant", Tried: []discover.Tried{
			{Value: "C", Resources: 9, Differs: []string{"a:storage.mount[/srv]"}}, {Value: "B", Resources: 8, Differs: []string{"b", "c"}, Unknown: []string{"d"}}, {Value: "E", Fault: "no"}}},
	}
}

func TestFoundJSON(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(DiscoverSchema()))
	if err != nil {
		t.Fatal(err)
	}
	seal(doc)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("discover.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("discover.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, found := range map[string]*discover.Found{"everything": foundSample(), "nothing": {Host: "a"}} {
		var b bytes.Buffer
		if err := FoundJSON(&b, found, nil, 7); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "null") {
			t.Errorf("%s: %s", name, b.String())
		}
		v, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFoundText(t *testing.T) {
	var b bytes.Buffer
	if err := Found(&b, foundSample(), []string{"out/storage.bisc.hcl"}); err != nil {
		t.Fatal(err)
	}
	const want = `a: variant B: zvol\x1b[31m
  Of plans/x with variant = C: 1 of 9 resources differ (B 3).
    differs: a:storage.mount[/srv]
2 resources, 1 of them not as they ought to be
  ~ storage.mount[/srv]
      now: lacks nofail
      after boot: boot_critical: true, want false
  ? storage.zpool[p]: no answer in 30s
not in the plan:
  cron x: y
not in the plan, gone after a reboot:
  listener x: y
unknown:
  zfs x: y
wrote out/storage.bisc.hcl
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
