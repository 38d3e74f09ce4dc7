package main

import (
	"testing"
)

// networkNow is what the kernel has of addresses, routes and rules, and what the boot would bring.
const networkNow = `ip -4 address show; ip -4 route show table all; for f in 4 6; do ip -$f rule; done; ls /etc/systemd/system /etc/systemd/system/*.wants`

// Each of the network kinds can cut the way that the operator came by. The host takes it back by itself, live half and boot
// half, and the run says so.
func TestFaultF34_LockedOutByTheNetwork(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, "ip route add blackhole default table 77; ip link add lab0 type veth peer name lab1; ip link set lab0 up; ip link set lab1 up")
	before := onHost(t, h, networkNow)
	for kind, block := range map[string]string{
		"ip_route":   `ip_route "10.99.0.1/32" { type = "blackhole" }`,
		"ip_address": `ip_address "10.99.0.1/32" { device = "lo" }`,
		"ip_rule": `ip_rule "cut" {
  priority = 50
  to = "10.99.0.0/16"
  table = "77"
}`,
	} {
		d.write(t, "plan.bisc.hcl", onUnits(block))
		d.bisc(t, "plan").wants(t, 2, "can cut off (the network's configuration", "the way to 10.99.0.1")
		d.bisc(t, "apply", "--auto-approve", "--confirm-within", "6s").wants(t, 1, "the host took the change back", "removed /etc/systemd/system/bisc-net-")
		if after := onHost(t, h, networkNow); after != before {
			t.Errorf("%s: after the revert:\n%s\nbefore:\n%s", kind, after, before)
		}
		nothingLeft(t, h)
	}
	// A way that is another's is armed all the same, and kept when it is proved.
	d.write(t, "plan.bisc.hcl", onUnits(`ip_route "203.0.113.0/24" { device = "lab0" }`))
	d.bisc(t, "apply", "--auto-approve").wants(t, 0, "+ a:units.ip_route[203.0.113.0/24]")
	d.bisc(t, "journal", d.run(t)).wants(t, 0, "arm the dead-man's switch", "ip -4 route del 203.0.113.0/24 dev lab0", "keep it: disarm")
	onHost(t, h, "ip route show 203.0.113.0/24 | grep lab0; systemctl is-active bisc-net-ip-route-203.0.113.0-24.service; test ! -e /var/lib/bisc/armed")
	d.bisc(t, "plan").wants(t, 0)
}
