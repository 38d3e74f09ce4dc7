package eosconf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse: what is printed reads back as the same, whatever was read first; and it is printed the same again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, s := range []string{"", "!", "!\n!!a\n", "a\n!!c\n!!d\n", "banner motd\n!\nEOF\nend", "event-handler x\n   action bash\n      a\n\n      EOF\nend\n",
		"event-handler x\n   action bash\na\nEOF\n", "a\n      !\n   !\nb", "a\n  b\n   c\n !\n  !\nd\n", "! x\n!\n!\na\n!\n!\nend", "a\r\n   b\r\n!\r\nend\r\n", "management api http-commands\n   protocol https certificate\nx\nEOF\ny\nEOF\n",
		"a\n   !! x\n   !! y\n   b\n", " action bash\n   EOF", "interface X\n   comment\n   z\n   EOF\n\n!\n"} {
		f.Add([]byte(s))
	}
	if b, err := os.ReadFile(filepath.Join(fixtures, realConfig)); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		printed := c.String()
		again, err := Parse([]byte(printed))
		if err != nil {
			t.Fatalf("%q is printed as %q, which cannot be read: %v", text, printed, err)
		}
		if diff := cmp.Diff(outline(c.Lines, 0, nil), outline(again.Lines, 0, nil)); diff != "" || c.end != again.end {
			t.Fatalf("%q is printed as %q, which reads otherwise:\n%s", text, printed, diff)
		}
		if again.String() != printed {
			t.Fatalf("%q is printed as %q and then as %q", text, printed, again.String())
		}
		if adds, removes := Diff(c, again); len(adds)+len(removes) > 0 {
			t.Fatalf("it differs from itself: %v %v", adds, removes)
		}
	})
}

// FuzzParseUnified: it never takes text for a diff whose line counts do not fit, and never falls over.
func FuzzParseUnified(f *testing.F) {
	f.Add("--- a\n+++ b\n@@ -1,2 +1,2 @@\n !\n-   a\n+   b\n")
	f.Add("@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n")
	f.Fuzz(func(t *testing.T, text string) {
		adds, removes, err := ParseUnified(text)
		if err != nil && len(adds)+len(removes) > 0 {
			t.Fatalf("%q: lines %q %q beside the error %v", text, adds, removes, err)
		}
	})
}

// FuzzPlan: any lines wanted in a section are refused, or reached by commands that one plan on the result finds in sync.
func FuzzPlan(f *testing.F) {
	f.Add("ip access-list X", "permit ip any any\n20 deny ip any any", uint8(0))
	f.Add("interface Tunnel100", "vrf old\nmtu 1\nip address 192.0.2.0/31", uint8(1))
	f.Add("interface Ethernet1/1", "mtu 2048", uint8(2))
	f.Add("event-handler x", "action bash\na\nEOF\ndelay 1", uint8(0))
	f.Fuzz(func(t *testing.T, header, lines string, mode uint8) {
		c := parse(t, small)
		w := Want{Under: []string{header}, Lines: []string{lines}, Mode: Mode(mode % 3)}
		p, err := c.Plan(w)
		if err != nil {
			return
		}
		if again, err := p.After.Plan(w); err != nil || !again.Empty() {
			t.Fatalf("%q %q: planned again %v %q", header, lines, err, again.Commands)
		}
	})
}
