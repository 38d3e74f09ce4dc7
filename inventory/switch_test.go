package inventory

import (
	"strings"
	"testing"
)

func TestSwitch(t *testing.T) {
	inv := read(t, "host \"sw\" {\n platform = \"eos\"\n user = \"u\"\n address = \"192.0.2.1\"\n hostname = \"dc-sw1.example\"\n serial = \"JPE12345678\"\n}\n")
	d := decided(t, inv, "sw", nil)
	if d.Hostname != "dc-sw1.example" || d.Serial != "JPE12345678" {
		t.Errorf("%+v", d)
	}
	if got := from(d, "hostname"); got != "dc-sw1.example <- inventory/x.hcl:5" {
		t.Errorf("hosts --explain says %q", got)
	}
	for text, want := range map[string]string{
		"platform = \"linux\"\n hostname = \"x\"":  "machine_id",
		"platform = \"linux\"\n serial = \"x\"":    "machine_id",
		"platform = \"eos\"\n hostname = \"a b\"":  "space",
		"platform = \"eos\"\n hostname = \"sw1#\"": "show hostname",
		"platform = \"eos\"\n hostname = \"\"":     "empty",
		"platform = \"eos\"\n serial = true":       "string in quotes",
	} {
		if _, said := loadText(t, "host \"a\" {\n"+text+"\n}"); !strings.Contains(said, want) {
			t.Errorf("%s\nsays %q, want %q", text, said, want)
		}
	}
}
