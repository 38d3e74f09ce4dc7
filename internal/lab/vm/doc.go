// Package vm runs a real machine for tests: Debian's kernel in QEMU, with ZFS, the brd ramdisk, docker and systemd. It is
// booted once a machine (see Setup); each test then resumes that boot as a throw-away copy, in seconds. It has an empty
// pool named biscayne on a disk of its own.
//
// The processor is emulated, so no KVM is needed, and everything takes ten times as long as elsewhere: a command 0.1 s, a
// new SSH connection 1 to 2 s, a reboot 45 s.
//
// The network reaches nowhere: sshd answers on a port of 127.0.0.1, and the guest can reach nothing.
package vm
