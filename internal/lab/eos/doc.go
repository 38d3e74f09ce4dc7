// Package eos is the emulated switch: no image of EOS can be had here, so what is known of it is emulated, and each behaviour names
// where it was seen, or that it was inferred, or that it is unknown (packages device, front, plane, linux).
//
//	sw := eos.ForTest(t, eos.Options{Device: device.Options{Hostname: "lab-sw01", Startup: text}})
//	sw.Addr                   where the real ssh, or bisc, logs in, with sw.Key
//	sw.Wire("Ethernet4/1", …) a veth end to another namespace
//	sw.Control()              looks behind the switch's back, and breaks it
//
// The switch is a process of its own (bisc-lab eos-init), in network, mount, PID and host name namespaces of its own. It ends with
// the process that started it, however that ends, and leaves nothing behind. It needs root.
package eos
