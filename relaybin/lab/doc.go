// Package lab is the ground that the relay daemons are tested and measured on: network namespaces with veth pairs
// between them, a paced sender of shreds, a sink that counts and checks what arrives, and the processor time and memory
// of a process. It needs root. Addresses are those of documentation.
//
//	turbine peer ── g0:mirror0 ──▶ switch ── bb0:bb1 ──▶ host
//	      └──────── up1:up0 ──────────┘                   │
//	      └──────── d0:direct0 ───────────────────────────┘
//
// The frames of Send enter g0 and come out of mirror0, as a mirror port gives them: for an address that the switch does
// not have. The uplink carries the switch's default route, so what leaves by the wrong device is seen on up1. The
// direct link is turbine's own path to the host, beside the relay.
//
// The kernel charges what a packet does in a softirq to the process that sent it: on veth the copy into the mirror's
// ring costs the sender here, and the way into the host's socket costs the mirror. A rival is charged the same.
//
// A program in a namespace sees the machine's /sys: /sys/class/net there lists the devices of the machine, not of the
// namespace. Netlink and /proc/net are right.
package lab
