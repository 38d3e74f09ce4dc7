package eosconf

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// napalm is what its fixtures' device holds, in the device's form: the fixture initial.conf is what a person typed.
func napalm(t *testing.T) (before, after *Config) {
	text := "! Command: show running-config\n! device: localhost (vEOS, EOS-4.15.5M)\n!\n! boot system flash:/vEOS-lab.swi\n!\n" +
		"transceiver qsfp default-mode 4x10G\n!\nspanning-tree mode mstp\n!\naaa authorization exec default local\n!\n" +
		"aaa root secret 5 x\n!\nusername admin privilege 15 role network-admin secret 5 x\n" +
		"username vagrant privilege 15 role network-admin secret 5 x\n!\ninterface Ethernet1\n!\ninterface Ethernet2\n!\n" +
		"interface Management1\n   ip address 10.0.2.15/24\n!\nno ip routing\n!\nmanagement api http-commands\n   no shutdown\n!\nend\n"
	before = parse(t, text)
	p, err := before.Plan(Want{Lines: []string{"hostname NEWHOSTNAME", "interface Ethernet2", "   description BLALALAL"}, Mode: Merge})
	if err != nil {
		t.Fatal(err)
	}
	return before, p.After
}

// TestUnifiedIsTheDevices: the diff that a vEOS gave napalm is the one predicted, byte for byte. The fixture shows the way back.
func TestUnifiedIsTheDevices(t *testing.T) {
	before, after := napalm(t)
	got := Unified(after, before, SessionNames("s"))
	want := "--- system:/running-config\n+++ session:/s-session-config\n" + fixture(t, "session-diffs/napalm/merge_good.diff")
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
		t.Errorf("(-device +predicted)\n%s", diff)
	}
	if same := Unified(before, before, SessionNames("s")); same != "" {
		t.Errorf("no difference is shown as %q, the device shows nothing", same)
	}
}

// TestScrapliDiff: the diff that a vEOS gave scrapli says what the plan of the same change says.
func TestScrapliDiff(t *testing.T) {
	device := "--- system:/running-config\n+++ session:/x-session-config\n@@ -245,6 +245,9 @@\n    ipv6 address auto-config\n" +
		"    ipv6 nd ra rx accept default-route\n !\n+interface Loopback1\n+   description tacocat\n+!\n interface Management1\n    ip address 10.0.0.15/24\n    ipv6 enable\n"
	running := parse(t, fixture(t, "cli-transcripts/scrapli/expected-arista_eos.cfg"))
	p, err := running.Plan(Want{Under: []string{"interface Loopback1"}, Lines: []string{"description tacocat"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := Agree(p.Adds, p.Removes, device); err != nil {
		t.Error(err)
	}
	ours := Unified(running, p.After, SessionNames("x"))
	if _, hunk, _ := strings.Cut(ours, "@@\n"); !strings.HasSuffix(strings.TrimSpace(device), strings.TrimSpace(hunk)) {
		t.Errorf("predicted\n%s\nthe device printed\n%s", ours, device)
	}
}

func TestParseUnified(t *testing.T) {
	head := "--- a\n+++ b\n"
	for _, c := range []struct {
		what, text string
		adds       []string
		removes    []string
		fails      bool
	}{
		{"nothing", "", nil, nil, false},
		{"blank", "\n", nil, nil, false},
		{"both ways", head + "@@ -1,2 +1,2 @@\n !\n-   a\n+   b\n", []string{"   b"}, []string{"   a"}, false},
		{"separators", head + "@@ -1 +1,3 @@\n x\n+!\n+   !\n", nil, nil, false},
		{"a line that looks like a header", head + "@@ -1,1 +1,1 @@\n--- a\n+++ b\n", []string{"++ b"}, []string{"-- a"}, false},
		{"two hunks, carriage returns", head + "@@ -1 +1 @@\r\n-a\r\n+b\r\n@@ -9 +9 @@\r\n-c\r\n+d\r\n", []string{"b", "d"}, []string{"a", "c"}, false},
		{"a blank line whose blank is gone", head + "@@ -1,2 +1,1 @@\n\n-a\n", nil, []string{"a"}, false},
		{"cut off in a hunk", head + "@@ -1,2 +1,2 @@\n !\n-   a\n", nil, nil, true},
		{"a refusal", "% Invalid input\n", nil, nil, true},
		{"a prompt behind it", head + "@@ -1 +1 @@\n-a\n+b\nsw#\n", nil, nil, true},
		{"a count that is none", "@@ -x +1 @@\n", nil, nil, true},
		{"more than was said", head + "@@ -0,0 +1 @@\n a\n", nil, nil, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			adds, removes, err := ParseUnified(c.text)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			if d := cmp.Diff([][]string{c.adds, c.removes}, [][]string{adds, removes}); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestAgree: one line more, one less, or in another section than approved is found; a line that moved is none.
func TestAgree(t *testing.T) {
	adds := []Entry{{nil, "ip route 192.0.2.0/24 198.51.100.1"}, {[]string{"interface Tunnel100"}, "mtu 9216"}}
	removes := []Entry{{nil, "hostname a"}}
	good := "@@ -1,4 +1,5 @@\n !\n-hostname a\n+ip route 192.0.2.0/24 198.51.100.1\n-moved\n+   mtu 9216\n interface Tunnel100\n+moved\n"
	if err := Agree(adds, removes, good); err != nil {
		t.Errorf("a diff that says what was approved: %v", err)
	}
	for what, text := range map[string]string{
		"an extra line":     strings.Replace(good, "+moved", "+other", 1),
		"an extra removal":  strings.Replace(good, "+moved\n", "", 1),
		"a missing line":    strings.Replace(good, "+   mtu 9216", "+!", 1),
		"a missing removal": strings.Replace(good, "-hostname a", "-!", 1),
		"nothing":           "",
		"twice":             strings.Replace(good, "+moved", "+moved\n+   mtu 9216", 1),
	} {
		text = strings.Replace(text, "@@ -1,4 +1,5 @@\n", "", 1)
		text = hunkOf(text) + text
		var d *DisagreeError
		if err := Agree(adds, removes, text); !errors.As(err, &d) || len(d.Extra)+len(d.Missing) == 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// hunkOf writes the header that fits.
func hunkOf(text string) string {
	if text == "" {
		return ""
	}
	from, to := 0, 0
	for l := range strings.Lines(text) {
		if l[0] != '+' {
			from++
		}
		if l[0] != '-' {
			to++
		}
	}
	return "@@ -1," + strconv.Itoa(from) + " +1," + strconv.Itoa(to) + " @@\n"
}

// TestAgreeTree: the same line in another section is found by path, where the diff's text alone cannot tell.
func TestAgreeTree(t *testing.T) {
	running := parse(t, "interface Ethernet1/1\n   mtu 1500\n!\ninterface Ethernet2/1\n   mtu 1500\n")
	approved := []Entry{{[]string{"interface Ethernet1/1"}, "shutdown"}}
	if err := AgreeTree(approved, nil, running, parse(t, "interface Ethernet1/1\n   mtu 1500\n   shutdown\ninterface Ethernet2/1\n   mtu 1500\n")); err != nil {
		t.Error(err)
	}
	err := AgreeTree(approved, nil, running, parse(t, "interface Ethernet1/1\n   mtu 1500\ninterface Ethernet2/1\n   mtu 1500\n   shutdown\n"))
	var d *DisagreeError
	if !errors.As(err, &d) || len(d.Extra) != 1 || len(d.Missing) != 1 || !strings.Contains(err.Error(), "Ethernet2/1") {
		t.Errorf("the wrong interface: %v", err)
	}
}
