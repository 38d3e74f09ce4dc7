package main

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"

	"bisc/relaybin/frame"
	"bisc/relaybin/stream"
)

// Why a frame on a path's device or recording is not handed to the meter, beside the verdicts of package frame.
const (
	badSource = frame.Verdicts + iota // from= and not-from= say so: it belongs to another path
	badForm                           // it is not of the path's form
	reasons
)

func reason(i int) string {
	switch i {
	case badSource:
		return "source"
	case badForm:
		return "form"
	}
	return frame.Verdict(i).String()
}

// reader takes the shred out of a frame.
type reader struct {
	path    *path
	rule    frame.Rule
	inner   frame.Rule
	refused [reasons]atomic.Uint64 // counted only for what is refused
}

func newReader(p *path) *reader {
	return &reader{path: p, rule: p.match().Rule(), inner: frame.Match{}.Rule()}
}

// shred is what the frame carries, by the path's form: bytes of data, or nil where the frame is not the path's.
func (r *reader) shred(etherType uint16, data []byte, wire int) []byte {
	cut, verdict := r.rule.Check(etherType, data, wire)
	if verdict != frame.Forward {
		r.refused[verdict].Add(1)
		return nil
	}
	if source := netip.AddrFrom4([4]byte(data[cut.IP+12 : cut.IP+16])); !r.path.takes(source) {
		r.refused[badSource].Add(1)
		return nil
	}
	payload := data[cut.Payload:cut.End]
	switch r.path.form {
	case "ip":
		inside, verdict := r.inner.Check(frame.IPv4, payload, len(payload))
		if verdict != frame.Forward {
			r.refused[badForm].Add(1)
			return nil
		}
		return payload[inside.Payload:inside.End]
	case "sequenced":
		_, shred, err := stream.Decode(payload)
		if err != nil {
			r.refused[badForm].Add(1)
			return nil
		}
		return shred
	}
	return payload
}

// ethernet splits an Ethernet frame that was recorded; its type is checked by the rule.
func etherType(header []byte) uint16 { return binary.BigEndian.Uint16(header) }
