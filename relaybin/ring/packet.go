package ring

import "bisc/relaybin/frame"

// Packet is one frame in the ring. Data lies in the ring and may be written to until Release.
type Packet struct {
	Data      []byte // what follows the link's header, as far as it was captured
	Wire      int    // how long that was on the wire, in bytes
	EtherType uint16 // the link's, or that behind the VLAN tag which the kernel took off
	Tagged    bool   // the kernel took a VLAN tag off
	VLAN      uint16 // its tag control information
	Time      int64  // when the kernel took it in, nanoseconds since 1970
}

// Check decides about the packet by rule.
func (p *Packet) Check(rule *frame.Rule) (frame.Cut, frame.Verdict) {
	return rule.Check(p.EtherType, p.Data, p.Wire)
}
