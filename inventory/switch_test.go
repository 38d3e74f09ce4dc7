package inventory

import (
	"strings"
	"testing"
	"time"
)

func TestSwitch(t *testing.T) {
	inv := read(t, "host \"sw\" {\n platform = \"eos\"\n user = \"u\"\n address = \"192.0.2.1\"\n hostname = \"dc-sw1.example\"\n serial = \"JPE12345678\"\n look_again = [\"1s\", \"2m\"]\n}\n")
	d := decided(t, inv, "sw", nil)
	if d.Hostname != "dc-sw1.example" || d.Serial != "JPE12345678" || len(d.LookAgain) != 2 || d.LookAgain[1] != 2*time.Minute || from(d, "look_again") != "1s, 2m <- inventory/x.hcl:7" {
		t.Errorf("%+v", d)
	}
	if got := from(d, "hostname"); got != "dc-sw1.example <- inventory/x.hcl:5" {
		t.Errorf("hosts --explain says %q", got)
	}
	for text, want := range map[string]string{
		"platform = \"linux\"\n hostname = \"x\"":    "machine_id",
		"platform = \"linux\"\n serial = \"x\"":      "machine_id",
		"platform = \"eos\"\n hostname = \"a b\"":    "space",
		"platform = \"eos\"\n hostname = \"sw1#\"":   "show hostname",
		"platform = \"eos\"\n hostname = \"\"":       "empty",
		"platform = \"eos\"\n serial = true":         "string in quotes",
		"platform = \"linux\"\n look_again = \"1s\"": "on a switch",
		"platform = \"eos\"\n look_again = \"0s\"":   "is not how long",
		"platform = \"eos\"\n look_again = [\"2h\"]": "is not how long",
	} {
		if _, said := loadText(t, "host \"a\" {\n"+text+"\n}"); !strings.Contains(said, want) {
			t.Errorf("%s\nsays %q, want %q", text, said, want)
		}
	}
}
