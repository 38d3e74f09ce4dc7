package device

import (
	"strings"
	"testing"
)

// FuzzShell: no line makes the command line panic, and nothing but "configure" and what stands behind it changes what runs.
func FuzzShell(f *testing.F) {
	for _, seed := range []string{
		"show running-config | section x\nshow ip route vrf | json\nshow session-config named x diffs",
		"configure session x\nip access-list A\npermit ip any any\nabort\nshow session-config diffs\ncommit timer 00:00:01",
		"configure lock transaction a b\nconfigure unlock force\nconfigure checkpoint save x\nconfigure checkpoint restore x",
		"copy running-config startup-config\nreload\n\nshow logging last 5 minutes\ndir flash:\nterminal length 0",
		"configure\nbanner login\nx\nEOF\nno\ndefault interface Ethernet1/1\nend\nend",
		"enable\nextension x\nno extension x\nno configure session x\nconfigure replace flash:x\nshow | json\n| |",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := New(Options{Startup: "hostname x\nip access-list A\n10 permit ip any any\n", Flags: Flags{LoginPrivileged: true}, Ports: []string{"Ethernet1/1", "Management1"}})
		s, before := d.Shell("fuzz", "vty1"), d.Running()
		for line := range strings.Lines(text) {
			s.Run(strings.TrimRight(line, "\n"))
			s.Prompt()
		}
		if after := d.Running(); after != before && !strings.Contains(text, "configure") && !strings.Contains(text, "reload") {
			t.Errorf("%q changed what runs:\n%s", text, after)
		}
	})
}
