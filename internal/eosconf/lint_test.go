package eosconf

import (
	"errors"
	"strings"
	"testing"
)

// TestLint: the lines of the operators' own runbooks that EOS never had, and what would leave a session, are refused with what to
// write instead; everything that the real switch prints passes.
func TestLint(t *testing.T) {
	policy := []string{"traffic-policies", "traffic-policy SHRED-RELAY"}
	for _, c := range []struct {
		what    string
		under   []string
		line    string
		instead string // empty: it passes
	}{
		{"seeds 1: NX-OS's way back", nil, "rollback running-config checkpoint before-relay", "what others changed since: to go back, plan what is to go with absent = true"},
		{"seeds 2: a policy at the top", nil, "traffic-policy SHRED-RELAY", `"traffic-policies"`},
		{"seeds 2: a match by a list", policy, "match SHRED-RELAY-ACL", "inline"},
		{"seeds 2: a next hop as in PBR", append(policy, "match SHREDS ipv4"), "set nexthop 172.16.1.189", "redirect next-hop"},
		{"seeds 3: a line of a profile", nil, "system-rule overriding-action redirect", "TCAM"},
		{"seeds 4: a session's own command", nil, "show session-config diffs", "no line of a configuration"},
		{"the policy as EOS has it", policy, "match SHREDS ipv4", ""},
		{"a next hop in PBR", []string{"policy-map type pbr P", "10 class C"}, "set nexthop 172.16.1.189", ""},
		{"leaving", []string{"interface Ethernet1/1"}, "exit", "leave"},
		{"leaving for good", []string{"interface Ethernet1/1"}, "end", "leave"},
		{"committing", nil, "commit timer 00:05:00", "leave"},
		{"emptying the session", nil, "rollback clean-config", "leave"},
		{"saving", nil, "write memory", "command"},
		{"a shell", nil, "bash rm -rf /", "command"},
		{"a VRF of another make", nil, "vrf context x", "vrf instance"},
		{"a list of another make", nil, "ip access-list extended x", "ip access-list NAME"},
		{"a port away", nil, "no interface Ethernet1/1", "port"},
		{"a port's defaults", nil, "default interface Ethernet1/1", "port"},
		{"a default", []string{"interface Ethernet1/1"}, "default mtu", "default"},
		{"a route that is never installed", nil, "ip route 192.0.2.9/32 egress-vrf relay Tunnel100 169.254.100.1", "never installs"},
		{"the form that is", nil, "ip route 192.0.2.9/32 egress-vrf relay 169.254.100.1", ""},
		{"a short name", nil, "interface Et1/1", "full name"},
		{"a shorter one", nil, "interface e1/1", "full name"},
		{"a full one", nil, "interface Ethernet1/1", ""},
		{"two lines in one", nil, "hostname a\rreload", "control character"},
		{"a monitor session", nil, "monitor session 1 destination Cpu", ""},
		{"an entry that begins like a command's word", []string{"ip access-list A"}, "10 permit ip any any", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			err := Lint(c.under, c.line)
			var lint *LintError
			switch {
			case c.instead == "" && err != nil, c.instead != "" && !errors.As(err, &lint):
				t.Fatalf("%v", err)
			case c.instead != "" && !strings.Contains(err.Error(), c.instead):
				t.Errorf("%q does not say %q", err, c.instead)
			}
		})
	}
	if err := lintLines(nil, parse(t, fixture(t, realConfig)).Lines); err != nil {
		t.Errorf("a line that a real switch prints: %v", err)
	}
}

// TestForeign: what the second manager of the real switches writes, by section and by name wherever a line names it.
func TestForeign(t *testing.T) {
	for _, c := range []struct {
		under []string
		line  string
		owner string // empty: nobody's
	}{
		{[]string{"interface Tunnel500"}, "mtu 9216", "Tunnel5[0-9][0-9]"},
		{nil, "interface Tunnel577", "Tunnel5[0-9][0-9]"},
		{[]string{"interface Tunnel100"}, "mtu 9216", ""},
		{nil, "interface Loopback255", "Loopback255"},
		{nil, "interface Loopback101", ""},
		{nil, "ip access-list SEC-DIA-IN", "SEC-DIA-IN"},
		{[]string{"interface Ethernet1/1"}, "ip access-group SEC-DIA-IN in", "SEC-DIA-IN"},
		{[]string{"interface Ethernet1/1"}, "service-policy type pbr input VALIDATOR-RELAY", ""},
		{[]string{"ip access-list SEC-USER-500-IN"}, "10 permit icmp any any", "SEC-USER-*"},
		{nil, "ip access-list standard SEC-USER-MCAST-BOUNDARY-501-OUT", "SEC-USER-*"},
		{nil, "ip access-list SEC-VALIDATOR-100-IN", ""},
		{[]string{"ip access-list SHRED-RELAY"}, "10 permit udp any any eq ntp", ""},
		{nil, "ntp server 192.0.2.1", "ntp"},
		{nil, "logging buffered 1", "logging"},
		{nil, "no logging console", "logging"},
		{nil, "mpls icmp ttl-exceeded tunneling", "mpls"},
		{nil, "hardware counter feature gre tunnel interface in", "hardware counter feature gre"},
		{nil, "hardware counter feature traffic-policy in", ""},
		{[]string{"hardware tcam", "profile x"}, "feature mpls", "hardware tcam"},
		{[]string{"daemon doublezero-agent"}, "shutdown", "daemon doublezero-*"},
		{[]string{"daemon bisc-relay"}, "shutdown", ""},
		{nil, "route-map RM-USER-500-IN permit 10", "RM-USER-*"},
		{nil, "ip prefix-list PL-USER-500 seq 10 permit 192.0.2.0/24", "PL-USER-*"},
		{nil, "ip community-list COMM-ALL_USERS permit 1:2", "COMM-*"},
		{[]string{"interface Tunnel100"}, "vrf vrf1", "vrf1"},
		{nil, "ip routing vrf vrf1", "vrf1"},
		{nil, "no ip routing vrf vrf1", "vrf1"},
		{nil, "vrf instance vrf1", "vrf1"},
		{nil, "ip route vrf relay 0.0.0.0/0 egress-vrf default 172.16.1.188", ""},
		{nil, "ip route 192.0.2.0/24 egress-vrf vrf1 198.51.100.1", "vrf1"},
		{[]string{"router bgp 65342"}, "router-id 1.1.1.1", "router bgp"},
		{nil, "no router msdp", "router msdp"},
		{[]string{"system control-plane"}, "ip access-group MAIN-CONTROL-PLANE-ACL in", "system control-plane"},
		{nil, "monitor session 1 ip access-group SEC-USER-500-IN", "SEC-USER-*"},
		{[]string{"policy-map type copp copp-system-policy", "class copp-system-mirroring"}, "shape kbps 1", ""},
		{nil, "hostname ntp", ""},
	} {
		owner, is := Foreign(DefaultForeign(), c.under, c.line)
		if owner != c.owner || is != (c.owner != "") {
			t.Errorf("%s: owner %q (%v), want %q", Entry{c.under, c.line}, owner, is, c.owner)
		}
	}
}

// TestRedact: what EOS keeps secret is masked, and nothing else of the real configuration.
func TestRedact(t *testing.T) {
	for line, secret := range map[string]string{
		"username a privilege 15 role network-admin secret sha512 $6$abc$def": "$6$abc$def", "   username FIXTURE password 7 070C285F": "070C285F", "enable password sha512 $6$xyz": "$6$xyz",
		"   neighbor 192.0.2.1 password 7 Qwe==": "Qwe==", "snmp-server community s3cret ro": "s3cret", "tacacs-server key 7 0700E1C": "0700E1C", "   key 0 plain": "plain", "ntp authentication-key 1 md5 7 0A1B": "0A1B", "aaa root secret 5 $1$lp": "$1$lp",
		"   isis authentication key 7 ZZTOP": "ZZTOP", "username a secret 0 hunter2": "hunter2", "username a secret hunter2": "hunter2", "   ip ospf message-digest-key 1 md5 7 GG+HH": "GG+HH",
	} {
		if got := Redact(line); strings.Contains(got, secret) || !Secret(line) {
			t.Errorf("%q is shown as %q", line, got)
		}
	}
	for l := range strings.Lines(fixture(t, realConfig)) {
		if Secret(l) != (strings.Contains(l, "secret sha512") || strings.Contains(l, "password 7")) {
			t.Errorf("a line of the real configuration is masked, or is not: %q", Redact(l))
		}
	}
}
