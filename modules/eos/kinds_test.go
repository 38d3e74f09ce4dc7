package eos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

// box is a switch that answers from a text; what is configured on it is put in force as the plan says it.
type box struct {
	*hosttest.Fake
	running, startup string
}

// base is the part of a switch that the tests begin with.
const base = `! Command: show running-config
! device: lab-sw01 (DCS-7280CR3A-32S, EOS-4.34.0F)
!
daemon doublezero-agent
   exec /usr/local/bin/doublezero-agent -verbose
   no shutdown
!
hostname lab-sw01
!
vrf instance management
!
vrf instance vrf1
!
interface Ethernet1/1
   mtu 2048
   no switchport
   ip address 198.51.100.1/31
   ip access-group SEC-DIA-IN in
!
interface Ethernet4/1
   mtu 2048
   no switchport
   ip address 203.0.113.0/31
!
interface Loopback100
   ip address 192.0.2.64/32
!
interface Loopback255
   ip address 192.0.2.255/32
!
interface Management1
   vrf management
   ip address 198.51.100.130/30
!
ip access-list SEC-DIA-IN
   counters per-entry
   10 deny ip 10.0.0.0/8 any
   20 permit ip any any
!
ip routing
ip routing vrf management
ip routing vrf vrf1
!
ip route 0.0.0.0/0 198.51.100.0
ip route vrf management 0.0.0.0/0 198.51.100.129
!
end
`

// newBox has the lines on top of base, in both halves.
func newBox(t *testing.T, wants ...eosconf.Want) *box {
	t.Helper()
	b := &box{Fake: hosttest.New("sw"), running: base, startup: base}
	b.Shows = map[string]string{}
	b.running = with(t, base, wants...)
	b.startup = b.running
	b.tell()
	return b
}

func with(t *testing.T, text string, wants ...eosconf.Want) string {
	t.Helper()
	c, err := eosconf.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Plan(wants...)
	if err != nil {
		t.Fatal(err)
	}
	return p.After.String()
}

func (b *box) tell() {
	b.Shows["show running-config"], b.Shows["show startup-config"] = b.running, b.startup
	b.Shows[sessionsNow] = `{"sessions":{},"maxSavedSessions":1,"maxOpenSessions":5}`
}

const sessionsNow = "show configuration sessions detail | json"

// merge is a want of lines in a section, or at the top.
func merge(under string, lines ...string) eosconf.Want {
	w := eosconf.Want{Lines: lines, Mode: eosconf.Merge}
	if under != "" {
		w.Under = []string{under}
	}
	return w
}

// planOf validates, introduces and plans the first of the resources; the others are its neighbours.
func planOf(t *testing.T, h host.Reader, all ...modules.Resource) string {
	t.Helper()
	c, err := changeOf(h, all...)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return kindtest.Print(c)
}

func changeOf(h host.Reader, all ...modules.Resource) (modules.Change, error) {
	for _, r := range all {
		if v, ok := r.(modules.Validator); ok {
			if err := v.Validate(); err != nil {
				return modules.Change{}, err
			}
		}
		if n, ok := r.(modules.Neighbour); ok {
			n.Meet(all)
		}
	}
	if a, ok := all[0].(modules.Agreer); ok {
		if err := a.Agree(all); err != nil {
			return modules.Change{}, err
		}
	}
	return all[0].Plan(context.Background(), host.NewMemo(h))
}

// has checks that a text has all the words; those that begin with "!" must not be in it.
func has(t *testing.T, got string, words ...string) {
	t.Helper()
	for _, w := range words {
		if not, ok := strings.CutPrefix(w, "!"); ok && strings.Contains(got, not) || !ok && !strings.Contains(got, w) {
			t.Errorf("want %q in\n%s", w, got)
		}
	}
}

// typed is what a session would get.
func typed(c modules.Change) []string {
	var out []string
	for _, s := range c.Steps {
		if s, ok := s.(host.Configure); ok {
			out = append(out, s.Lines...)
		}
	}
	return out
}

func TestSectionThreeWays(t *testing.T) {
	want := &Section{Name: "x", Path: []string{"interface Ethernet4/1"}, Mode: "merge", Lines: []string{"mtu 9214"}}
	fresh := newBox(t)
	has(t, planOf(t, fresh, want), "now running: interface Ethernet4/1 / mtu 2048 -> interface Ethernet4/1 / mtu 9214", "| -   mtu 2048", "| +   mtu 9214",
		"boot startup: interface Ethernet4/1 / mtu 2048", "configure", "!copy running", "settle: 15s")
	c, err := changeOf(fresh, want)
	if err != nil {
		t.Fatal(err)
	}
	if got := typed(c); !slices.Equal(got, []string{"interface Ethernet4/1", "mtu 9214", "exit"}) {
		t.Errorf("typed %q", got)
	}
	done := newBox(t, merge("interface Ethernet4/1", "mtu 9214"))
	if got := planOf(t, done, want); got != "in sync\n" {
		t.Errorf("of what is there: %s", got)
	}
	// What runs otherwise than it is saved is saved with any commit, and told.
	port := &Section{Name: "y", Path: []string{"interface Ethernet1/1"}, Mode: "merge", Lines: []string{"mtu 9000"}}
	done.startup = base
	done.tell()
	has(t, planOf(t, done, port), "interface Ethernet1/1 / mtu 9000 (the save keeps all that runs: also 2 other lines")
	done.running = with(t, done.running, merge("", "ip route 192.0.2.9/32 198.51.100.0"))
	done.tell()
	has(t, planOf(t, done, want), "!now", "boot startup: interface Ethernet4/1 / mtu 2048 -> interface Ethernet4/1 / mtu 9214 (the save keeps all that runs: also 1 other line", "step: cli copy running-config startup-config", "!configure")
}

// newFake answers with one configuration in both halves, and of every other question of relayPlan what is as wanted.
func newFake(running string) *hosttest.Fake {
	f := hosttest.New("sw")
	f.Shows = map[string]string{
		"show running-config": running, "show startup-config": running,
		"show interfaces Tunnel100 | json": `{"interfaces":{"Tunnel100":{"interfaceStatus":"connected","lineProtocolStatus":"up"}}}`,
	}
	for _, r := range relayPlan() {
		if a, ok := r.(*ACL); ok {
			f.Shows["show ip access-lists "+a.Name+" | json"] = inForce(a)
		}
	}
	return f
}

// inForce is the switch's answer where a list is programmed as wanted.
func inForce(a *ACL) string {
	var rules []string
	for _, r := range eosconf.Normalise([]string{a.header()}, a.numbered()) {
		n, text, _ := numberOf(r)
		rules = append(rules, fmt.Sprintf(`{"sequenceNumber":%d,"text":%q}`, n, text))
	}
	return fmt.Sprintf(`{"aclList":[{"name":%q,"sequence":[%s]}]}`, a.Name, strings.Join(rules, ","))
}
