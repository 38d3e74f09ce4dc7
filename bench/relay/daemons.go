package main

import (
	"fmt"
	"net/netip"
	"path/filepath"

	"bisc/relaybin/lab"
)

// daemons are bisc's own chains, of programs in a folder, with what issue and DESIGN ask of each.
func daemons(dir string) []chain {
	mirror := func(form string, to netip.AddrPort) []string {
		return []string{filepath.Join(dir, "shredmirror"), "--device", lab.Mirror, "--match-addr", lab.Advertised.Addr().String(),
			"--match-port", fmt.Sprint(lab.Advertised.Port()), "--form", form, "--to", to.String(), "--via-device", lab.Backbone}
	}
	unwrap := func(form string, at netip.AddrPort) []string {
		return []string{filepath.Join(dir, "shredunwrap"), "--listen-" + form, at.String(), "--allow", lab.SwitchAddr.String() + "/32", "--to", loopbackTVU.String()}
	}
	all := []chain{{name: "bare", sink: lab.TVU, onSwitch: mirror("bare", lab.TVU), cpuGoal: 15, losslessGoal: 300_000}}
	for i, form := range []string{"ip", "sequenced"} {
		at := netip.AddrPortFrom(lab.HostAddr, uint16(9100+i))
		all = append(all, chain{name: form, sink: loopbackTVU, onSwitch: mirror(form, at), onHost: unwrap(form, at), cpuGoal: 6, losslessGoal: 150_000})
	}
	return all
}
