package eosconf

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestHierConfigAgrees: hier_config's fixture has a switch, the lines that mend it, and those that lead back. From the lines that
// it adds alone, and the objects that it removes, the plan finds the same lines to remove: each value that a new one replaces.
func TestHierConfigAgrees(t *testing.T) {
	running := parse(t, fixture(t, "configs/hier_config/eos_running.conf"))
	after := hierAgrees(t, running, fixture(t, "configs/hier_config/eos_remediation.conf"))
	// Its way back removes a port, which EOS does not have and Plan refuses: here the port's lines go, and it stays.
	rollback := strings.Replace(fixture(t, "configs/hier_config/eos_rollback.conf"), "no interface Ethernet4\n",
		"interface Ethernet4\n  no description New Interface\n  no switchport mode access\n  no switchport access vlan 40\n", 1)
	back := hierAgrees(t, after, rollback)
	if diff := cmp.Diff(append(leaves(running), "interface Ethernet4"), leaves(back), cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("there and back again (-before +after)\n%s", diff)
	}
}

// hierAgrees plans what a remediation adds and which objects it removes, compares all lines that come and go, and gives the
// result.
func hierAgrees(t *testing.T, from *Config, remediation string) *Config {
	t.Helper()
	r := parse(t, remediation)
	wants, adds, removes := []Want{}, []string{}, []string{}
	var walk func(path []string, l *Line)
	walk = func(path []string, l *Line) {
		off, no := strings.CutPrefix(l.Text, "no ")
		at := append(slices.Clone(path), l.Text)
		switch {
		case no:
			gone := append(slices.Clone(path), off)
			var below []Entry
			every(path, from.Find(gone...), &below)
			for _, e := range below {
				removes = append(removes, e.raw())
			}
			if !replaced(r.Find(path...), r, path, off) {
				wants = append(wants, Want{Under: path, Lines: []string{off}, Mode: Absent})
			}
		default:
			if from.Find(at...) == nil {
				adds = append(adds, strings.Join(at, " / "))
			}
			wants = append(wants, Want{Under: path, Lines: []string{l.Text}, Mode: Merge})
			if k := key(path, l.Text); k != "" && from.Find(at...) == nil {
				removes = append(removes, hierLeavesOut(from, r, path, k)...)
			}
		}
		for _, s := range l.Sub {
			walk(at, s)
		}
	}
	for _, l := range r.Lines {
		walk(nil, l)
	}
	p, err := from.Plan(wants...)
	if err != nil {
		t.Fatal(err)
	}
	ours := func(entries []Entry) (out []string) {
		for _, e := range entries {
			out = append(out, e.raw())
		}
		slices.Sort(out)
		return out
	}
	slices.Sort(adds)
	slices.Sort(removes)
	if diff := cmp.Diff([][]string{adds, removes}, [][]string{ours(p.Adds), ours(p.Removes)}); diff != "" {
		t.Errorf("(-hier_config +ours)\n%s", diff)
	}
	return p.After
}

// replaced tells whether the remediation types another value in the place of the one that it removes.
func replaced(at *Line, r *Config, path []string, off string) bool {
	lines := r.Lines
	if len(path) > 0 {
		lines = at.Sub
	}
	k := key(path, off)
	return k != "" && slices.ContainsFunc(lines, func(l *Line) bool { return key(path, l.Text) == k })
}

// hierLeavesOut are the values that a new one replaces and that hier_config does not remove first: of a neighbor's description
// its driver knows that the new one replaces the old.
func hierLeavesOut(from, r *Config, path []string, k string) (out []string) {
	if len(path) == 0 || !strings.HasPrefix(path[0], "router bgp ") || from.Find(path...) == nil {
		return nil
	}
	for _, l := range from.Find(path...).Sub {
		if key(path, l.Text) == k && r.Find(append(slices.Clone(path), "no "+l.Text)...) == nil {
			out = append(out, strings.Join(append(slices.Clone(path), l.Text), " / "))
		}
	}
	return out
}

// TestNetutilsAgrees: netutils cuts the same sections out of a configuration, banners included.
func TestNetutilsAgrees(t *testing.T) {
	for _, name := range []string{"basic", "bad_banner"} {
		c := parse(t, fixture(t, "configs/netutils/compliance/compliance_eos_"+name+"_backup.txt"))
		var features map[string]struct{ Actual, Intended string }
		if err := json.Unmarshal([]byte(fixture(t, "configs/netutils/compliance/compliance_eos_"+name+"_received.json")), &features); err != nil || len(features) == 0 {
			t.Fatal(err, len(features))
		}
		for feature, f := range features {
			header, _, _ := strings.Cut(f.Actual, "\n")
			i := slices.IndexFunc(c.Lines, func(l *Line) bool { return l.Text == f.Actual || l.Text == header })
			if i < 0 {
				t.Errorf("%s %s: no section %q", name, feature, header)
				continue
			}
			section := Config{Lines: []*Line{c.Lines[i].clone()}}
			section.Lines[0].gap = 0
			if diff := cmp.Diff(f.Actual+"\n", section.String()); diff != "" {
				t.Errorf("%s %s (-netutils +ours)\n%s", name, feature, diff)
			}
			p, err := c.Plan(Want{Lines: []string{f.Intended}, Mode: Merge})
			if err != nil || p.Empty() != (f.Intended == f.Actual) {
				t.Errorf("%s %s: compliant %v, planned %q, %v", name, feature, f.Intended == f.Actual, p.Commands, err)
			}
		}
	}
}
