// Package lab runs real test hosts: a Debian root file system under an overlay, a network namespace, and systemd as
// PID 1, with sshd reached over a loopback port. A host boots in about a second, and reboot inside it works.
//
// The hosts live in the bisc-lab program (cmd/bisc-lab), in a mount and a PID namespace of its own, so that whatever
// becomes of the test nothing stays behind: no mount, no process, no network namespace.
//
// What a host is not: it shares the machine's kernel, so it loads no modules, and lsblk in it lists the machine's own
// devices. Programs that stand in for ZFS and brd are described in package standin.
package lab
