package inventory

import (
	"strings"
	"testing"

	"bisc/internal/source"
)

func loadText(t *testing.T, text string) (*Inventory, string) {
	t.Helper()
	inv, diags := Load(source.File{Name: "hosts.hcl", Text: []byte(text)})
	return inv, diags.Error()
}

func TestLocal(t *testing.T) {
	inv, _ := loadText(t, `host "here" {
  platform   = "linux"
  transport  = "local"
  machine_id = "0123456789abcdef0123456789abcdef"
}`)
	h, ok := inv.Lookup("here")
	if !ok {
		t.Fatal("not there")
	}
	d, err := Decide(t.Context(), inv, h, nil)
	if err != nil || !d.Local || d.MachineID != "0123456789abcdef0123456789abcdef" {
		t.Errorf("%+v %v", d, err)
	}
}

// A local host without its machine id would be whatever machine the file lies on.
func TestLocalFaults(t *testing.T) {
	for text, wants := range map[string]string{
		`platform = "linux"` + "\n" + `transport = "local"`:                                                                           "Which machine?",
		`platform = "linux"` + "\n" + `transport = "local"` + "\n" + `machine_id = "x"`:                                               "not a machine id",
		`platform = "linux"` + "\n" + `transport = "locla"`:                                                                           "Unknown transport",
		`platform = "linux"` + "\n" + `transport = "local"` + "\n" + `machine_id = "0123456789abcdef0123456789abcdef"` + "\nport = 1": "Not for the local transport",
		`platform = "eos"` + "\n" + `transport = "local"` + "\n" + `machine_id = "0123456789abcdef0123456789abcdef"`:                  "No local switch",
	} {
		if _, said := loadText(t, "host \"a\" {\n"+text+"\n}"); !strings.Contains(said, wants) {
			t.Errorf("%s\nsays %q, want %q", text, said, wants)
		}
	}
}
