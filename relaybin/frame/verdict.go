package frame

// Verdict says what becomes of a frame. Its name is the reason of the drop, as the metrics and logs spell it.
type Verdict uint8

// The verdicts, in the order in which a frame meets them.
const (
	Forward   Verdict = iota
	Ethertype         // no IPv4: ARP, IPv6, or an Ethernet header that is cut
	VLAN              // more tags than are looked through, or a tag that is cut
	Truncated         // less was captured than was on the wire, or less is there than the headers say
	Version           // the IP header's version is not 4
	IHL               // the IP header's length is below 20 bytes
	Length            // IP's and UDP's lengths cannot both be so
	Protocol          // no UDP
	NotOurs           // to another address or port
	Fragment          // part of a datagram: a shred never is, and the rest of it comes in another frame
)

// Verdicts is how many there are: a table of counters by Verdict has as many places.
const Verdicts = int(Fragment) + 1

// String is the verdict's name in metrics and logs.
func (v Verdict) String() string {
	switch v {
	case Forward:
		return "forward"
	case Ethertype:
		return "ethertype"
	case VLAN:
		return "vlan"
	case Truncated:
		return "truncated"
	case Version:
		return "version"
	case IHL:
		return "ihl"
	case Length:
		return "length"
	case Protocol:
		return "protocol"
	case NotOurs:
		return "not_ours"
	case Fragment:
		return "fragment"
	}
	return "unknown"
}
