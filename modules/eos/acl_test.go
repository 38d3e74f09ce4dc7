package eos

import (
	"slices"
	"testing"
)

func shreds(rules ...string) *ACL { return &ACL{Name: "SHRED-RELAY", Rules: rules} }

const inHardware = `{"aclList":[{"name":"SHRED-RELAY","sequence":[{"text":"permit udp any any eq 20000","sequenceNumber":10}]}]}`

func TestACL(t *testing.T) {
	old := shreds("permit udp any any eq 20000")
	b := newBox(t, append(old.Wants(), merge("", "monitor session 1 ip access-group SHRED-RELAY", "monitor session 1 source Ethernet1/1 rx", "monitor session 1 destination Cpu"))...)
	b.Shows["show ip access-lists SHRED-RELAY | json"] = inHardware
	has(t, planOf(t, b, old), "in sync")

	wider := shreds("permit udp any any eq 20000", "permit udp any any eq 20001")
	has(t, planOf(t, b, wider), "now running: (none) -> ip access-list SHRED-RELAY / 20 permit udp any any eq 20001",
		"(in use by monitor session 1 ip access-group SHRED-RELAY: a short gap there", "boot startup")

	other := shreds("permit udp any any eq 20001")
	c, err := changeOf(b, other)
	if err != nil {
		t.Fatal(err)
	}
	// The number stays and its rule does not: what EOS makes of that is not known, so the list is written anew.
	if got := typed(c); !slices.Equal(got, []string{"no ip access-list SHRED-RELAY", "ip access-list SHRED-RELAY", "10 permit udp any any eq 20001", "exit"}) {
		t.Errorf("typed %q", got)
	}

	counted := shreds("permit udp any any eq 20000")
	counted.Counters = true
	has(t, planOf(t, b, counted), "SHRED-RELAY / counters per-entry")

	absent := &ACL{Name: "SHRED-RELAY", Absent: true}
	has(t, planOf(t, b, absent), "now in use: monitor session 1 ip access-group SHRED-RELAY -> (none)", "!step:", "!destroys")
	session := &Lines{Name: "mirror", Prefix: "monitor session 1 ", Absent: true}
	has(t, planOf(t, b, absent, session), "destroys: the access list SHRED-RELAY with its 1 line", "step: configure", "a short gap")
	has(t, planOf(t, newBox(t), absent), "in sync")
}

// The order of rules is what a list says; the same rules in another order are another list.
func TestACLOrder(t *testing.T) {
	b := newBox(t, shreds("deny udp any host 192.0.2.1", "permit udp any any").Wants()...)
	has(t, planOf(t, b, shreds("permit udp any any", "deny udp any host 192.0.2.1")), "now running", "step: configure")
}

// What is configured need not be what the hardware does.
func TestACLProgrammed(t *testing.T) {
	want := shreds("permit udp any any eq 20000", "permit udp any any eq 20001")
	b := newBox(t, want.Wants()...)
	b.Shows["show ip access-lists SHRED-RELAY | json"] = inHardware
	has(t, planOf(t, b, want), "now programmed: 1 rule: 10 permit udp any any eq 20000 -> 2 rules: ", "!step:", "!why")
	b.Shows["show ip access-lists SHRED-RELAY | json"] = `{"aclList":[]}`
	has(t, planOf(t, b, want), "now programmed: no such list in force -> 2 rules")
	b.Shows["show ip access-lists SHRED-RELAY | json"] = `{"acls":[]}`
	has(t, planOf(t, b, want), "error: ", "lacks aclList")
	b.Shows["show ip access-lists SHRED-RELAY | json"] = "% Invalid input\n"
	has(t, planOf(t, b, want), "error: ", "is not the JSON that was expected")
}
