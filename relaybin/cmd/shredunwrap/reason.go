package main

import (
	"bisc/relaybin/frame"
	"bisc/relaybin/send"
	"bisc/relaybin/shred"
	"bisc/relaybin/stream"
)

// reason is why a packet is dropped: an index into the drop counters. Those of sending follow in the order of send.Failure.
type reason int

const (
	dropSource    reason = iota // the sender is not allowed
	dropTruncated               // longer than a packet of the relay, or less is there than its headers say
	dropShort                   // shorter than its header, or than its kind of shred
	dropMagic                   // not of the form sequenced
	dropVersion                 // another version of the form sequenced
	dropChecksum                // a broken header of the form sequenced
	dropNotIP                   // not an IPv4 packet
	dropIHL                     // an IP header shorter than 20 bytes
	dropLength                  // IP's and UDP's lengths cannot both be so
	dropProtocol                // not UDP
	dropNotOurs                 // to another address or port than --match-addr and --match-port
	dropFragment                // part of a datagram
	dropVariant                 // no variant that a validator takes
	dropCluster                 // another cluster's shred version
	dropSlotLow                 // far below the tip
	dropSlotHigh                // far above the tip
	dropNamespace               // there is no namespace to send in
	dropSend                    // and send.Failures of these
	reasons       = dropSend + reason(send.Failures)
)

// reasonNames are the reasons as the metrics spell them.
func reasonNames() []string {
	names := []string{"source", "truncated", "short", "magic", "version", "checksum", "not_ip", "ihl", "length", "protocol", "not_ours", "fragment",
		"bad_variant", "shred_version", "slot_low", "slot_high", "send_no_namespace"}
	for f := range send.Failures {
		names = append(names, "send_"+send.Failure(f).String())
	}
	return names
}

func ofFrame(v frame.Verdict) reason {
	switch v {
	case frame.Truncated:
		return dropTruncated
	case frame.IHL:
		return dropIHL
	case frame.Length:
		return dropLength
	case frame.Protocol:
		return dropProtocol
	case frame.NotOurs:
		return dropNotOurs
	case frame.Fragment:
		return dropFragment
	}
	return dropNotIP
}

func ofStream(err error) reason {
	switch err {
	case stream.ErrShort:
		return dropShort
	case stream.ErrMagic:
		return dropMagic
	case stream.ErrVersion:
		return dropVersion
	}
	return dropChecksum
}

func ofShred(r shred.Rule) reason {
	switch r {
	case shred.Short:
		return dropShort
	case shred.BadVersion:
		return dropCluster
	case shred.SlotLow:
		return dropSlotLow
	case shred.SlotHigh:
		return dropSlotHigh
	}
	return dropVariant
}
