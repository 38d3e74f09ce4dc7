package host

import "testing"

func TestReadOnly(t *testing.T) {
	allowed := [][]string{
		{"systemctl", "show", "-p", "Id", "--", "x.service"}, {"zfs", "get", "-Hp", "all", "tank"}, {"blkid", "-p", "-o", "export", "--", "/dev/ram0"},
		{"apt-config", "dump"}, {"sha256sum", "--", "/proc/1/exe"}, {"iptables-save"}, {"ss", "-H", "-l", "-n", "-t", "-u", "-p"}, {"dpkg-query", "-S", "--", "/etc/x"}, Uses.Argv("1:0"), Validators.Argv(), StopClosure.Argv("docker.service"),
		{"docker", "info", "--format={{json .}}"}, {"docker", "image", "inspect", "--", "x"}, {"iptables", "--version"}, {"iptables-legacy-save"}, {"iptables-nft-save"}, NftRules.Argv(), {"conntrack", "-L", "-p", "udp", "--orig-port-dst", "20000"},
		{"firewall-cmd", "--permanent", "--list-all-zones"}, {"firewall-cmd", "--list-all-policies"}, {"firewall-cmd", "--state"},
		{"ip", "-j", "-d", "address", "show"}, {"ip", "-j", "-N", "-4", "route", "show", "table", "all", "exact", "0.0.0.0/0"}, {"ip", "-j", "-N", "-4", "route", "get", "192.0.2.1", "from", "10.0.0.1", "iif", "eth0", "mark", "100"},
	}
	refused := [][]string{
		{"ip", "-j", "-d", "address", "add", "192.0.2.1/32", "dev", "lo"}, {"ip", "-j", "-d", "address"}, {"ip", "address", "show"}, {"ip", "-j", "-N", "-4", "route", "flush", "table", "all"},
		{"ip", "-batch", "/tmp/x"}, {"ip", "-j", "-N", "-4", "route", "show", "-batch", "/tmp/x"}, {"ip", "-n", "x", "-j", "address", "show"}, {"ip", "netns", "exec", "x", "sh"}, {"ip"}, {"ip", "-j -d address show"},
		nil, {"systemctl", "start", "x"}, {"systemctl"}, {"zfs", "destroy", "tank"}, {"rm", "-rf", "/"}, {"/tmp/zfs", "get"}, {"./blkid"},
		{"sh", "-c", "rm -rf /"}, {"sh", "-c", Uses.Text + "; rm -rf /", "uses"}, {"sh", "-c", Uses.Text, "other"}, {"sh", "-c", Uses.Text},
		{"wipefs", "-a", "/dev/sda"}, {"blkid", "-w", "/etc/passwd"}, {"blkid"}, {"blkid", "-o", "export", "--", "/dev/ram0"}, {"blkid", "--", "-p"}, {"sysctl", "-w", "a=b"}, {"apt-mark", "hold", "x"}, {"mount"}, {"docker", "rm", "x"}, {"docker", "-H", "tcp://192.0.2.1", "info"}, {"docker", "info", "--config", "/tmp"}, {"docker", "image", "rm", "x"},
		{"zpool", "import"}, {"zpool", "status", "-c", "x"}, {"blockdev", "--getsize64", "--setro", "/dev/sda"}, {"sysctl", "-n", "a=b"}, {"", "x"},
		{"sha256sum", "-c", "/tmp/x"}, {"sha256sum", "--check", "/tmp/x"}, {"apt-config", "shell", "a", "b"}, {"apt-config", "dump", "-c", "/tmp/x"}, {"apt-config"},
		{"iptables-save", "-M", "/tmp/x"}, {"ip6tables-save", "-f", "/etc/passwd"}, {"ss", "-K"}, {"ss", "-D", "/etc/x"}, {"ss", "-lK"},
		{"iptables", "-S"}, {"iptables", "--version", "-t", "nat", "-F"}, {"iptables-legacy-save", "-t", "nat"}, {"nft", "-j", "list", "ruleset"}, {"conntrack", "-D", "-p", "udp"},
		{"conntrack", "-L", "-p", "udp", "-D"}, {"conntrack", "-L", "-z"}, {"conntrack", "-F"}, {"firewall-cmd", "--reload"}, {"firewall-cmd", "--permanent", "--delete-policy=x"},
		{"firewall-cmd"},
	}
	for _, argv := range allowed {
		if err := ReadOnly(argv); err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, argv := range refused {
		if ReadOnly(argv) == nil {
			t.Errorf("%s passes as read-only", Quote(argv...))
		}
	}
}
