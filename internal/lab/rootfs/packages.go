package rootfs

// machinePackages are what the machine needs to build and to run hosts and the tests, by the program that shows it is there.
var machinePackages = []Program{
	{"mmdebstrap", "mmdebstrap"},
	{"systemd-nspawn", "systemd-container"},
	{"ip", "iproute2"},
	{"nsenter", "util-linux"},
	{"ssh", "openssh-client"},
	{"git", "git"},           // lent to hosts whose repositories are checked out
	{"strace", "strace"},     // not for the hosts: the fault suite reads what an agent asks of the kernel
	{"mkfs.xfs", "xfsprogs"}, // a file system to freeze, for the states of threads
	{"pgrep", "procps"},
	// What users of bisc have, and its tests prove it with: shells to complete in, readers of its graph and manual.
	{"zsh", "zsh"},
	{"fish", "fish"},
	{"dot", "graphviz"},
	{"mandoc", "mandoc"},
	{"man", "man-db"},
	// The relay: its rival in the benchmarks, the switch of a device's checksum offload.
	{"socat", "socat"},
	{"ethtool", "ethtool"},
}

// hostPackages are what a host has beyond Debian's essential packages and apt. There is no kernel: a host runs on the
// machine's. python3 is for the benchmarks against Ansible.
var hostPackages = []string{
	"systemd", "systemd-sysv", "dbus", "udev", "kmod", "openssh-server", "sudo", "perl-base",
	"xfsprogs", "e2fsprogs", "parted", "util-linux", "util-linux-extra", "psmisc", "procps",
	"iproute2", "iptables", "iptables-persistent", "nftables", "firewalld", "conntrack", "netbase", "ca-certificates", "curl",
	"docker.io", "python3", "python3-minimal", "needrestart", "unattended-upgrades",
	"jq", "rsync", "zstd", "less",
}
