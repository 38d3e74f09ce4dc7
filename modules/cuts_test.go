package modules

import (
	"strings"
	"testing"

	"bisc/internal/host"
)

// The table of what can cut an operator off, step by step, and what a revert of it puts back.
func TestCutsOff(t *testing.T) {
	script := func(words string) host.Step { return host.Script{Argv: strings.Fields(words)} }
	put := func(name string) host.Step { return host.Put{Path: name} }
	for _, tt := range []struct {
		step host.Step
		want string // what, then the undo
	}{
		{put("/etc/ssh/sshd_config"), "sshd: /etc/ssh/sshd_config, ssh.service"},
		{put("/etc/ssh/sshd_config.d/x.conf"), "sshd: /etc/ssh/sshd_config.d/x.conf, ssh.service"},
		{put("/etc/ssh/ssh_host_ed25519_key"), "sshd: /etc/ssh/ssh_host_ed25519_key, ssh.service"},
		{host.Remove{Path: "/home/ops/.ssh/authorized_keys"}, "sshd: /home/ops/.ssh/authorized_keys"},
		{put("/etc/systemd/system/ssh.service.d/x.conf"), "sshd: /etc/systemd/system/ssh.service.d/x.conf, ssh.service"},
		{put("/etc/systemd/system/relay.service"), ""},
		{script("systemctl try-restart -- ssh.service"), "sshd: ssh.service"},
		{script("systemctl disable -- ssh.service"), "sshd: ssh.service"},
		{script("/usr/bin/systemctl --now disable ssh"), "sshd: ssh.service"},
		{script("systemctl stop ssh.socket ssh.service relay.service"), "sshd: ssh.socket, ssh.service"},
		{script("service ssh stop"), "sshd: ssh.service"},
		{host.Job{Verb: "restart", Unit: "networking.service"}, "the network's configuration: networking.service, the routes"},
		{put("/etc/network/interfaces.d/eth1"), "the network's configuration: /etc/network/interfaces.d/eth1"},
		{put("/etc/netplan/01.yaml"), "the network's configuration: /etc/netplan/01.yaml"},
		{script("/sbin/ip route replace default via 10.0.0.1"), "the network's configuration: the routes"},
		{put("/etc/iptables/rules.v4"), "the packet filter: /etc/iptables/rules.v4"},
		{put("/etc/nftables.conf"), "the packet filter: /etc/nftables.conf"},
		{host.Job{Verb: "restart", Unit: "netfilter-persistent.service"}, "the packet filter: netfilter-persistent.service, the packet filter"},
		{script("iptables -P INPUT DROP"), "the packet filter: the packet filter"},
		{script("nft add rule x"), "the packet filter: the packet filter"},
		{put("/etc/hosts.deny"), "who may connect: /etc/hosts.deny"},
		{host.Edit{Path: "/etc/pam.d/sshd"}, "who may log in: /etc/pam.d/sshd"},
		{put("/etc/nsswitch.conf"), "who may log in: /etc/nsswitch.conf"},
		{script("usermod --shell /bin/false -- ops"), "who may log in: /etc/passwd, /etc/shadow, /etc/group, /etc/gshadow"},
		{script("useradd --uid 70 -- new"), ""},
		{put("/etc/sudoers.d/ops"), "sudo: /etc/sudoers.d/ops"},
		{put("/etc/sudoers"), "sudo: /etc/sudoers"},
		{script("sysctl -q -w net.ipv4.ip_forward=1"), "the kernel's network settings: sysctl net/ipv4/ip_forward"},
		{script("sysctl -q -w net/ipv4/conf/eth0.5/rp_filter=1"), "the kernel's network settings: sysctl net/ipv4/conf/eth0.5/rp_filter"},
		{script("sysctl -q -w vm.swappiness=1"), ""},
		{host.Put{Path: "/etc/sysctl.d/90-bisc-net.conf", Content: []byte("# x\nnet.core.rmem_max = 1\n")}, "the kernel's network settings: /etc/sysctl.d/90-bisc-net.conf"},
		{host.Put{Path: "/etc/sysctl.d/90-bisc-vm.conf", Content: []byte("vm.swappiness = 1\n")}, ""},
		{put("/etc/fstab"), ""},
		{put("/etc/sshd"), ""},
		{script("systemctl daemon-reload"), ""},
		{script("systemctl restart -- docker.service"), ""},
	} {
		what, undo := CutsOff([]host.Step{tt.step})
		got := strings.Join(what, ", ")
		if got != "" {
			_, rest, _ := strings.Cut(undo.String(), ", 0s: ")
			got += ": " + rest
		}
		if got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.step, got, tt.want)
		}
		if undo.Empty() != (tt.want == "") {
			t.Errorf("%s: empty: %v", tt.step, undo.Empty())
		}
	}
}
