package config

import (
	"errors"
	"strings"
	"testing"
)

// TestWhatEOSDoesNotHaveIsRefused: the lines of the seeds that are not EOS (eos.md 0.4), and others that a tool may send.
func TestWhatEOSDoesNotHaveIsRefused(t *testing.T) {
	for _, c := range []struct {
		typed      string
		token      int
		word       string
		incomplete bool
	}{
		{typed: "rollback running-config checkpoint pre-shred-relay", token: 1, word: "rollback"},
		{typed: "traffic-policy SHRED-RELAY", token: 1, word: "traffic-policy"},
		{typed: "system-rule overriding-action redirect", token: 1, word: "system-rule"},
		{typed: "traffic-policies\ntraffic-policy P\nmatch SHRED-RELAY", incomplete: true},
		{typed: "traffic-policies\ntraffic-policy P\nmatch S ipv4\nactions\nset nexthop 192.0.2.1", token: 2, word: "nexthop"},
		{typed: "monitor session 1 destination interface Cpu", token: 5, word: "interface"},
		{typed: "monitor session 1 source Ethernet1/1 rx extra", token: 7, word: "extra"},
		{typed: "interface Ethernet99/1", token: 2, word: "Ethernet99/1"},
		{typed: "no interface Ethernet1/1", token: 3, word: "Ethernet1/1"},
		{typed: "interface Ethernet1/1\nmtu 99999", token: 2, word: "99999"},
		{typed: "interface Loopback1\ntunnel mode gre", token: 1, word: "tunnel"},
		{typed: "ip route 192.0.2.1 172.16.1.189", token: 3, word: "192.0.2.1"},
		{typed: "ip route 192.0.2.0/24", incomplete: true},
		{typed: "ip access-list A\npermit upd any any", token: 2, word: "upd"},
		{typed: "ip access-list A\n10 permit tcp any any eq", incomplete: true},
		{typed: "daemon x\nexecute /bin/x", token: 1, word: "execute"},
		{typed: "event-handler x\ntrigger on-reboot", token: 2, word: "on-reboot"},
		{typed: "hostname", incomplete: true},
		{typed: "no", incomplete: true},
	} {
		lines := strings.Split(c.typed, "\n")
		e := NewGrammar(ports(), Flags{}).New().Edit()
		for _, l := range lines[:len(lines)-1] {
			if err := e.Run(l); err != nil {
				t.Fatal(err)
			}
		}
		var err *Error
		if got := e.Run(lines[len(lines)-1]); !errors.As(got, &err) {
			t.Errorf("%q was taken", c.typed)
			continue
		}
		if err.Incomplete != c.incomplete || !c.incomplete && (err.Token != c.token || err.Word != c.word) {
			t.Errorf("%q: %v, incomplete %v; want token %d %q", c.typed, err, err.Incomplete, c.token, c.word)
		}
	}
}
