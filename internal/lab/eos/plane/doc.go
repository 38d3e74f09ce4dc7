// Package plane is what carries an emulated switch's configuration out: veth ends in the place of ports, the kernel's addresses and
// routes, the monitor session's packets on a real device, the processor's queues, and, through package linux, agents and event
// handlers. It implements device.Plane. There is no chip: hardwareProgrammed is a state, and so are tunnels, policies and what goes
// between VRFs.
//
//	far end ── et1_1   one veth pair a port; its far end lies in the cable namespace until somebody is wired to it
//	far end ── mirror0 one a monitor session to the CPU: what it copies comes out of mirror0
package plane
