package view

import (
	"bytes"
	"strings"
	"testing"

	"bisc/layers"
	"bisc/modules"
)

// Whoever reads that an invariant does not hold is told on which host to look, where the address names another.
func TestFromIsShown(t *testing.T) {
	st := &layers.Stage{Layer: layers.Relay, Name: "relay", Host: "switch"}
	o := layers.Outcome{Stage: st, State: layers.Blocked, Reason: "does not hold",
		Item:   layers.Item{Address: "switch:relay.invariant[arrives]", Kind: "invariant", Invariant: true, Because: "b", From: "lab"},
		Change: modules.Change{Diffs: []modules.Diff{{Attr: "packets", Got: "0", Want: "1"}}}}
	doc := New(Run{Verb: "plan"}, layers.Report{{Host: "switch", Outcomes: []layers.Outcome{o}}})
	if got := doc.Hosts[0].Items[0].From; got != "lab" {
		t.Errorf("the document says %q", got)
	}
	var text bytes.Buffer
	if err := TextOf(&text, doc, Options{Verb: "plan"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "observed on lab\n") {
		t.Errorf("got:\n%s", text.String())
	}
	if got := brief("check", doc.Hosts[0].Items[0]); !strings.Contains(got, "observed on lab") {
		t.Errorf("in a line: %s", got)
	}
}
