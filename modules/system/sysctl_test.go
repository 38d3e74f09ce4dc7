package system

import (
	"testing"

	"bisc/modules/confd"
	"bisc/modules/kindtest"
)

func TestSysctlDecides(t *testing.T) {
	const own = "/etc/sysctl.d/90-bisc-net.core.rmem_max.conf"
	file := plain("# Written by bisc: a change by hand is drift.\nnet.core.rmem_max = 134217728\n")
	ours := conf(own, "net.core.rmem_max = 134217728")
	for name, tt := range map[string]struct {
		o    setting
		want string
	}{
		"in sync":                        {setting{true, "134217728", file, []confd.File{ours}}, "in sync\n"},
		"an earlier file says otherwise": {setting{true, "134217728", file, []confd.File{conf("/etc/sysctl.d/10-x.conf", "net.core.rmem_max=1"), ours}}, "in sync\n"},
		"a later file says the same":     {setting{true, "134217728", file, []confd.File{ours, conf("/etc/sysctl.d/99-x.conf", "net/core/rmem_max = 134217728")}}, "in sync\n"},
		"a later file wins": {setting{true, "134217728", file, []confd.File{ours, conf("/usr/lib/sysctl.d/99-x.conf", "-net.core.rmem_max=1", "net.core.wmem_max=2")}},
			"boot value: 1 (/usr/lib/sysctl.d/99-x.conf) -> 134217728\n    why: /usr/lib/sysctl.d/99-x.conf comes after " + own + " and wins: remove the line there\n"},
		"a later glob does not win": {setting{true, "134217728", file, []confd.File{ours, conf("/etc/sysctl.d/99-x.conf", "net.core.* = 1")}}, "in sync\n"},
		"not persisted": {setting{true, "134217728", none(), nil},
			"boot value: (not set) -> 134217728\nstep: put " + own + " (76 bytes, sha256:3c3a31a1b843, mode 0644, owner 0:0)\n"},
		"persisted elsewhere with another value": {setting{true, "134217728", none(), []confd.File{conf("/etc/sysctl.d/10-x.conf", "net.core.rmem_max=1")}},
			"boot value: 1 (/etc/sysctl.d/10-x.conf) -> 134217728\nstep: put " + own + " (76 bytes, sha256:3c3a31a1b843, mode 0644, owner 0:0)\n"},
		"other value now": {setting{true, "212992", file, []confd.File{ours}},
			"now value: 212992 -> 134217728\nstep: run sysctl -q -w 'net.core.rmem_max=134217728'\n"},
		"no such key": {setting{false, "", file, []confd.File{ours}},
			"now value: (no such key) -> 134217728\n    why: the kernel has no /proc/sys/net/core/rmem_max: the module that brings it is not loaded\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Sysctl{Key: "net.core.rmem_max", Value: " 134217728\t"}
			if got := kindtest.Print(s.decide(tt.o)); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestSysctlKeys(t *testing.T) {
	for key, want := range map[string]string{
		"vm.swappiness":                    "/proc/sys/vm/swappiness",
		"net.ipv4.conf.eth0/100.rp_filter": "/proc/sys/net/ipv4/conf/eth0.100/rp_filter",
		"net/ipv4/conf/eth0.100/rp_filter": "/proc/sys/net/ipv4/conf/eth0.100/rp_filter",
	} {
		if got := (&Sysctl{Key: key}).livePath(); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	for key, want := range map[string]string{
		"vm.swappiness": "", "swappiness": "not a key", "vm.../../x": "not a key", "vm.a b": "not a key", "net.ipv4.conf.*.rp_filter": "not a key", "vm..x": "not a key",
	} {
		wantError(t, (&Sysctl{Key: key, Value: "1"}).Validate(), want)
	}
	wantError(t, (&Sysctl{Key: "vm.x", Value: "1\nvm.y=2"}).Validate(), "one line")
	wantError(t, (&Sysctl{Key: "vm.x", Value: " "}).Validate(), "not empty")
}
