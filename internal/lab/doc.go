// Package lab runs real test hosts: a Debian root file system under an overlay, a network namespace, and systemd as
// PID 1, with sshd reached over a loopback port. A host boots in about a second, and reboot inside it works.
//
// The hosts live in the bisc-lab program (cmd/bisc-lab), in a mount and a PID namespace of its own, so that whatever
// becomes of the test nothing stays behind: no mount, no process, no network namespace.
//
// What a host is not: it shares the machine's kernel. So it loads no modules (programs that stand in for ZFS and brd are
// described in package standin); lsblk in it lists the machine's own devices; of /proc/sys only net is writable, and of
// that not what the kernel has once, such as net.core.rmem_max; /proc/uptime is the machine's, while the boot id is new
// with each boot. There is no udev, hence no device units: a mount unit does not wait for its device. Link types are
// what the kernel has: veth, bridge, vxlan and tun, not gre or vlan. docker run --privileged needs CAP_SYS_RESOURCE,
// which the machine itself may lack.
package lab
