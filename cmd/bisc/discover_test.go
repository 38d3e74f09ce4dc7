package main

import (
	"bytes"
	"testing"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/plans"
)

// A host that is in no inventory is written as ssh would reach it.
func TestAsSSHWould(t *testing.T) {
	t.Parallel()
	for destination, want := range map[string]string{
		"biscayne":                 "biscayne  ",
		"biscayne.example.org":     "biscayne biscayne.example.org ",
		"rix@biscayne.example.org": "biscayne biscayne.example.org rix",
		"root@biscayne":            "biscayne  root",
		"192.0.2.7":                "host-192-0-2-7 192.0.2.7 ",
		"2001:db8::7":              "host-2001-db8--7 2001:db8::7 ",
		"bad name":                 "",
		"x\"y":                     "",
	} {
		text := asSSHWould(destination)
		inv, diags := inventory.Load(source.File{Name: "host.bisc.hcl", Text: text})
		if diags.HasErrors() {
			if want != "" {
				t.Errorf("%s: %v\n%s", destination, diags, text)
			}
			continue
		}
		h := inv.Hosts()[0]
		if got := h.Name + " " + h.Address + " " + h.User; got != want || h.Become == nil || *h.Become == (h.User == "root") {
			t.Errorf("%s: got %q, want %q", destination, got, want)
		}
		if again := plans.Format(text); !bytes.Equal(again, text) {
			t.Errorf("%s: it is not in the one form:\n%s", destination, text)
		}
	}
}
