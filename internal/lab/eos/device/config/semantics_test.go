package config

import (
	"errors"
	"strings"
	"testing"
)

// edited is a configuration and a context on it.
func edited(t *testing.T, lines string) (*Tree, *Editor) {
	t.Helper()
	tree := NewGrammar(ports(), Flags{}).New()
	e := tree.Edit()
	run(t, e, lines)
	return tree, e
}

func run(t *testing.T, e *Editor, lines string) {
	t.Helper()
	for _, l := range strings.Split(lines, "\n") {
		if l == "exit" && !e.InText() {
			e.Exit()
		} else if err := e.Run(l); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAVRFTakesTheAddressesAway(t *testing.T) {
	tree, e := edited(t, "interface Tunnel100\nip address 169.254.100.0/31\nip address 169.254.101.0/31 secondary\nmtu 9216\nvrf relay")
	if strings.Contains(tree.String(), "169.254") || !strings.Contains(tree.String(), "mtu 9216") {
		t.Errorf("vrf: %s", tree)
	}
	run(t, e, "ip address 169.254.100.0/31\nvrf relay")
	if !strings.Contains(tree.String(), "169.254") {
		t.Error("the same VRF again took the address away")
	}
	run(t, e, "no vrf")
	if strings.Contains(tree.String(), "169.254") {
		t.Error("leaving the VRF kept the address")
	}
}

func TestNoOfAMissingMonitorSessionFails(t *testing.T) {
	tree, e := edited(t, "monitor session 1 source Ethernet1/1 rx\nmonitor session 1 destination Cpu\nmonitor session 10 destination Cpu\nno monitor session 1")
	if got := tree.String(); strings.Contains(got, "session 1 ") || !strings.Contains(got, "session 10") {
		t.Errorf("%s", got)
	}
	var refused *Error
	if err := e.Run("no monitor session 1"); !errors.As(err, &refused) || refused.Text != "Monitor session 1 does not exist" {
		t.Error(err)
	}
}

func TestAPortCanBeDefaultedAndNotRemoved(t *testing.T) {
	fresh, _ := edited(t, "!")
	tree, e := edited(t, "interface Ethernet1/2\ndescription X\nmtu 2048\nexit\ninterface Tunnel504\nmtu 9216\nexit\ndefault interface Et1/2\ndefault interface Tunnel504")
	if got := tree.String(); got != strings.Replace(fresh.String(), "interface Management1\n", "interface Management1\n!\ninterface Tunnel504\n", 1) {
		t.Errorf("%s", got)
	}
	if err := e.Run("no interface Ethernet1/2"); err == nil {
		t.Error("a port was removed")
	}
	run(t, e, "no interface Tunnel504")
	if tree.String() != fresh.String() {
		t.Errorf("%s", tree)
	}
}

func TestNoRouteWithoutANextHopRemovesAll(t *testing.T) {
	const three = "ip route 192.0.2.0/24 198.51.100.1\nip route 192.0.2.0/24 198.51.100.2 200\nip route vrf relay 192.0.2.0/24 198.51.100.3"
	tree, e := edited(t, three)
	run(t, e, "no ip route 192.0.2.0/24 198.51.100.2")
	if strings.Contains(tree.String(), "100.2") || !strings.Contains(tree.String(), "100.1") {
		t.Errorf("%s", tree)
	}
	tree, e = edited(t, three)
	run(t, e, "no ip route 192.0.2.0/24")
	if got := tree.String(); strings.Contains(got, "100.1") || strings.Contains(got, "100.2") || !strings.Contains(got, "100.3") {
		t.Errorf("%s", got)
	}
}

func TestACLNumbers(t *testing.T) {
	tree, e := edited(t, "ip access-list A\n10 permit icmp any any\npermit udp any any\n15 remark between\npermit icmp any any\nno 20\nexit")
	if want := "ip access-list A\n   10 permit icmp any any\n   15 remark between\n"; !strings.Contains(tree.String(), want) {
		t.Errorf("%s", tree)
	}
	run(t, e, "ip access-list A\nno permit icmp any any\nresequence 100 5\npermit ip any any\nexit")
	if want := "ip access-list A\n   100 remark between\n   110 permit ip any any\n"; !strings.Contains(tree.String(), want) {
		t.Errorf("%s", tree)
	}
	run(t, e, "ip access-list A")
	var refused *Error
	if err := e.Run("110 deny ip any any"); !errors.As(err, &refused) || refused.Text == "" {
		t.Errorf("a number that is taken: %v", err)
	}
	e.flags.ReplaceACLLine = true
	run(t, e, "110 deny ip any any\nexit")
	if !strings.Contains(tree.String(), "110 deny ip any any") {
		t.Errorf("%s", tree)
	}
	run(t, e, "no ip access-list A")
	if strings.Contains(tree.String(), "access-list") {
		t.Errorf("%s", tree)
	}
}

func TestTextsAndComments(t *testing.T) {
	const text = "banner login\nNo way.\n! not a comment\ninterface Ethernet1/1\nEOF\n"
	tree, _ := edited(t, text+"event-handler h\naction bash\n  echo a\nEOF\ntrigger on-boot\nexit\ninterface Ethernet1/2\ncomment\nfirst\nsecond\nEOF\nmtu 2048")
	for _, want := range []string{text, "event-handler h\n   trigger on-boot\n   action bash\n  echo a\nEOF\n", "interface Ethernet1/2\n   !! first\n   !! second\n   mtu 2048\n"} {
		if !strings.Contains(tree.String(), want) {
			t.Errorf("want %q in\n%s", want, tree)
		}
	}
	again, errs := NewGrammar(ports(), Flags{}).Parse(tree.String())
	if len(errs) > 0 || again.String() != tree.String() {
		t.Errorf("it does not load back: %v\n%s", errs, Unified(tree.String(), again.String(), "printed", "again"))
	}
	e := tree.Edit()
	run(t, e, "interface Ethernet1/2\nno comment\nexit\nno banner login")
	if got := tree.String(); strings.Contains(got, "!!") || strings.Contains(got, "No way") {
		t.Errorf("%s", got)
	}
}

func TestDaemonsAndDefaults(t *testing.T) {
	tree, e := edited(t, "daemon bisc\nexec /mnt/flash/bisc/relay  -a b")
	if !strings.Contains(tree.String(), "daemon bisc\n   exec /mnt/flash/bisc/relay  -a b\n   shutdown\n") {
		t.Errorf("a new one is shut down: %s", tree)
	}
	run(t, e, "no shutdown\ndefault shutdown\nno exec")
	if !strings.Contains(tree.String(), "daemon bisc\n   shutdown\n") {
		t.Errorf("%s", tree)
	}
	run(t, e, "interface Ethernet1/1\nmtu 2048\nno switchport\nshutdown\ndefault mtu\ndefault switchport\nno shutdown")
	if !strings.Contains(tree.String(), "interface Ethernet1/1\n!") {
		t.Errorf("%s", tree)
	}
}

func TestTrafficPoliciesEndWithTheRest(t *testing.T) {
	tree, _ := edited(t, "traffic-policies\ntraffic-policy SHRED-RELAY\nmatch SHREDS ipv4\ndestination prefix 192.0.2.81/32\nprotocol udp destination port 20000\nactions\ncount\nredirect next-hop 172.16.1.189\nexit\nexit\nexit\nexit\nexit")
	want := `traffic-policies
   traffic-policy SHRED-RELAY
      match SHREDS ipv4
         destination prefix 192.0.2.81/32
         protocol udp destination port 20000
         !
         actions
            count
            redirect next-hop 172.16.1.189
      !
      match ipv4-all-default ipv4
      !
      match ipv6-all-default ipv6
`
	if !strings.Contains(tree.String(), want) {
		t.Errorf("%s", tree)
	}
}

// TestAPeerIsGoneEverywhere: "no neighbor A" takes a peer out of the families too.
func TestAPeerIsGoneEverywhere(t *testing.T) {
	tree, e := edited(t, "router bgp 65342\nneighbor 192.0.2.1 remote-as 65000\nneighbor 192.0.2.1 description X\nneighbor 192.0.2.10 remote-as 65000\naddress-family ipv4\nneighbor 192.0.2.1 activate\nno neighbor 192.0.2.10 activate")
	run(t, e, "router bgp 65342\nno neighbor 192.0.2.1")
	want := "router bgp 65342\n   neighbor 192.0.2.10 remote-as 65000\n   !\n   address-family ipv4\n      no neighbor 192.0.2.10 activate\n"
	if !strings.Contains(tree.String(), want) {
		t.Errorf("%s", tree)
	}
}

// TestAmbiguousAndShort: a person may abbreviate, eAPI without autoComplete may not.
func TestAmbiguousAndShort(t *testing.T) {
	tree, e := edited(t, "int et1/1\ndesc short")
	if !strings.Contains(tree.String(), "interface Ethernet1/1\n   description short\n") {
		t.Errorf("%s", tree)
	}
	var refused *Error
	if err := e.Run("ro bgp 1"); !errors.As(err, &refused) || refused.Text != "Ambiguous command" {
		t.Errorf("router and route-map begin so: %v", err)
	}
	e.Exact = true
	if err := e.Run("desc short"); err == nil {
		t.Error("an abbreviation was taken where none may be")
	}
}

// What a merge keeps of two sides is in the device's tests.
func TestMergeOfNothingChangesNothing(t *testing.T) {
	g := NewGrammar(ports(), Flags{})
	tree, _ := g.Parse(fixture(t, "configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg"))
	if got := Merge(tree, tree.Clone(), tree); !got.Equal(tree) {
		t.Errorf("%s", Unified(tree.String(), got.String(), "before", "merged"))
	}
}

// BenchmarkLoadAndPrint: below 50 ms for the real configuration of 2,588 lines.
func BenchmarkLoadAndPrint(b *testing.B) {
	text := fixture(b, "configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg")
	g := NewGrammar(ports(), Flags{})
	for b.Loop() {
		tree, errs := g.Parse(text)
		if len(errs) > 0 || len(tree.String()) < len(text)/2 {
			b.Fatal(errs)
		}
	}
}

func BenchmarkGrammar(b *testing.B) {
	for b.Loop() {
		NewGrammar(ports(), Flags{})
	}
}
