package eosconf

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wants is a number of random changes such as a relay's plan makes, on objects that are there and that are not.
func wants(r *rand.Rand) []Want {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	mode := func() Mode { return Mode(r.IntN(2)) }
	rule := func() string {
		return fmt.Sprintf("%s %s %s %s", pick("permit", "deny"), pick("udp", "tcp"), pick("any", "host 192.0.2.7", "198.51.100.0/24", "203.0.113.9/32"), pick("any", "any eq 20000", "any eq 53 179 20000", "host 192.0.2.1 range 100 200"))
	}
	some := func(f func() string) (out []string) {
		for range r.IntN(5) {
			if l := f(); !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
		return out
	}
	all := []func() Want{
		func() Want {
			return Want{Under: []string{"ip access-list " + pick("R1", "R2", "SEC-USER-500-IN")}, Lines: some(rule), Mode: mode()}
		},
		func() Want {
			return Want{Under: []string{"ip access-list " + pick("R1", "SEC-USER-502-IN", "SEC-USER-505-IN")}, Mode: Absent}
		},
		func() Want {
			return Want{Under: []string{"ip access-list SEC-USER-PUB-MCAST-IN"}, Without: []string{pick("permit icmp any any", "50 deny ip any any")}, Mode: Merge}
		},
		func() Want {
			p := pick("192.0.2.0/24", "203.0.113.9/32", "0.0.0.0/0")
			return Want{Prefix: "ip route " + p + " ", Lines: some(func() string { return "ip route " + p + " 198.51.100." + pick("1", "2", "3") }), Mode: Exact}
		},
		func() Want {
			return Want{Lines: some(func() string {
				return "ip route vrf management 192.0.2." + pick("0/24", "1/32") + " 198.51.100." + pick("1", "2")
			}), Mode: Merge}
		},
		func() Want {
			t := pick("interface Tunnel100", "interface Tunnel101", "interface Tunnel502", "interface Loopback101", "interface Loopback255")
			return Want{Under: []string{t}, Lines: slices.Concat(some(func() string { return pick("mtu 9216", "description x y", "vrf management", "no shutdown") }), []string{"ip address 192.0.2." + pick("1", "2") + "/31"}), Mode: mode()}
		},
		func() Want {
			return Want{Under: []string{pick("interface Tunnel501", "interface Tunnel100")}, Mode: Absent}
		},
		func() Want {
			s := pick("1", "2")
			return Want{Prefix: "monitor session " + s + " ", Lines: some(func() string {
				return "monitor session " + s + pick(" source Ethernet1/1 rx", " source Ethernet4/1", " ip access-group R1", " destination Cpu")
			}), Mode: Exact}
		},
		func() Want {
			return Want{Under: []string{"daemon " + pick("bisc-relay", "eapilocal")}, Lines: []string{"exec /mnt/flash/" + pick("a", "b"), pick("no shutdown", "shutdown")}, Mode: mode()}
		},
		func() Want {
			return Want{Under: []string{"event-handler " + pick("a", "b")}, Lines: []string{"trigger on-boot", pick("action bash /mnt/flash/x", "action bash\necho x\n\n  y\nEOF"), "delay " + pick("1", "60")}, Mode: mode()}
		},
		func() Want {
			return Want{Under: []string{"vrf instance " + pick("relay", "vrf1")}, Mode: Mode(1 + r.IntN(2))}
		},
		func() Want { return Want{Lines: []string{"vrf instance relay", "ip routing vrf relay"}, Mode: Merge} },
		func() Want {
			return Want{Under: []string{"interface Ethernet" + pick("1/1", "2/1", "8/1")}, Lines: some(func() string {
				return pick("mtu 9000", "ip access-group R1 in", "description up", "traffic-policy input P")
			}), Mode: Merge}
		},
		func() Want {
			return Want{Under: []string{"interface Ethernet1/1"}, Without: []string{pick("mtu 2048", "no switchport", "ip access-group SEC-DIA-IN in")}, Mode: Merge}
		},
		func() Want {
			return Want{Under: []string{"interface Ethernet4/1"}, Lines: []string{"no switchport", "ip address 192.0.2.9/31"}, Mode: Exact}
		},
		func() Want {
			return Want{Under: []string{"policy-map type pbr P"}, Lines: []string{"class C", "   set nexthop 192.0.2." + pick("1", "2")}, Mode: Exact}
		},
		func() Want {
			return Want{Under: []string{"policy-map type copp copp-system-policy", "class copp-system-mirroring"}, Lines: []string{"shape kbps " + pick("1", "2")}, Mode: Merge}
		},
		func() Want {
			return Want{Under: []string{"traffic-policies", "traffic-policy P"}, Lines: []string{"match S ipv4", "   destination prefix 192.0.2." + pick("1", "2") + "/32", "   actions", "      " + pick("count", "drop")}, Mode: Exact}
		},
		func() Want {
			return Want{Lines: []string{pick("hostname b", "ntp server 192.0.2.1", "logging buffered 9000", "banner motd\nhello\n  you\nEOF")}, Mode: Merge}
		},
	}
	var out []Want
	for range 1 + r.IntN(6) {
		out = append(out, all[r.IntN(len(all))]())
	}
	return out
}

// TestPlansReachWhatTheySay: on the real configuration, random changes; the commands, typed into a switch that is written here
// apart, lead to the configuration that the plan promises, and the diff that a device would print of it agrees.
func TestPlansReachWhatTheySay(t *testing.T) {
	rounds, planned := 300, 0
	if os.Getenv("BISC_FAULTS") == "all" {
		rounds = 10_000
	}
	running := parse(t, fixture(t, realConfig))
	for seed := range rounds {
		r := rand.New(rand.NewPCG(5, uint64(seed)))
		w := wants(r)
		p, err := running.Plan(w...)
		if err != nil {
			continue // they contradict each other
		}
		planned++
		m := newModel(running)
		if err := m.typed(p.Commands); err != nil {
			t.Fatalf("seed %d: %v\nwants %+v\ncommands %q", seed, err, w, p.Commands)
		}
		if typed, promised := m.lines(), leaves(p.After); !slices.Equal(typed, promised) {
			t.Fatalf("seed %d: (-typed +promised)\n%s\nwants %+v\ncommands %q", seed, cmp.Diff(typed, promised), w, p.Commands)
		}
		printed := parse(t, p.After.String())
		if again, err := printed.Plan(w...); err != nil || !again.Empty() {
			t.Fatalf("seed %d: planned again: %v %q\nwants %+v", seed, err, again.Commands, w)
		}
		if err := Agree(p.Adds, p.Removes, Unified(running, p.After, SessionNames("s"))); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := AgreeTree(p.Adds, p.Removes, running, printed); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if planned < rounds/2 {
		t.Errorf("only %d of %d random changes could be planned", planned, rounds)
	}
	t.Logf("%d plans", planned)
}

// leaves are all lines with the headers above them, sorted.
func leaves(c *Config) []string {
	adds, _ := Diff(&Config{}, c)
	var out []string
	for _, e := range adds {
		out = append(out, e.raw())
	}
	slices.Sort(out)
	return out
}
