package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bisc/relaybin"
)

// What bisc has of the daemons is listed and can be taken out; the file is what the list says. The tests' bisc is built of the
// same tree as they are, with builds or without: then it says which command makes them.
func TestRelayList(t *testing.T) {
	d := newDesk(t)
	all, err := relaybin.Binaries()
	if err != nil {
		d.bisc(t, "relay", "list").wants(t, 1, "bisc: this bisc has no builds of the relay daemons", "run `make build`")
		d.bisc(t, "relay", "extract", "shredmeter", ".").wants(t, 1, "run `make build`")
		return
	}
	d.bisc(t, "relay", "list").wants(t, 0, "NAME", all[0].Name, all[0].Platform, all[0].SHA256, "yes")
	var doc struct {
		Builds []relayBuild `json:"builds"`
	}
	if err := json.Unmarshal([]byte(d.bisc(t, "relay", "list", "--json").out), &doc); err != nil || len(doc.Builds) != len(all) {
		t.Fatalf("%d builds as JSON, want %d (%v)", len(doc.Builds), len(all), err)
	}
	for i, b := range doc.Builds {
		if b.SHA256 != all[i].SHA256 || b.Size != all[i].Size || b.Machine == "" || b.Source == "" || b.Go == "" {
			t.Errorf("%+v", b)
		}
	}
	b := all[len(all)-1]
	d.bisc(t, "relay", "extract", b.Name, "--platform", b.Platform, ".").wants(t, 0, b.SHA256)
	text, err := os.ReadFile(filepath.Join(d.dir, b.Name))
	if err != nil || int64(len(text)) != b.Size || !strings.HasPrefix(string(text), "\x7fELF") {
		t.Errorf("%d bytes were written, want %d (%v)", len(text), b.Size, err)
	}
	if info, err := os.Stat(filepath.Join(d.dir, b.Name)); err != nil || info.Mode() != 0o755 {
		t.Errorf("it can not be run: %v (%v)", info.Mode(), err)
	}
	d.bisc(t, "relay", "extract", b.Name, "--platform", "linux/mips", ".").wants(t, 1, "bisc relay list shows what there is")
}

// A mistyped verb is no success: what calls bisc by a timer must see it.
func TestRelayMistyped(t *testing.T) {
	d := newDesk(t)
	d.bisc(t, "relay", "tpo", "--once").wants(t, 1, "--once")
	d.bisc(t, "relay", "tpo").wants(t, 1, `unknown command "tpo" for "bisc relay"`)
	d.bisc(t, "relay").wants(t, 0, "extract", "dashboard")
}

// A build that is not current is shown with the reason and the command.
func TestRelayTableSaysStale(t *testing.T) {
	var out strings.Builder
	c := &command{out: &out}
	if err := c.relayTable([]relayBuild{{Name: "x", Platform: "linux/386", Current: true}, {Name: "x", Platform: "linux/amd64", Because: "it was made of other source"}}); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"linux/386", "yes", "no: it was made of other source", "run `make build`"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("no %q in:\n%s", words, out.String())
		}
	}
}
