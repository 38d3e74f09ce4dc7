package send

import "golang.org/x/sys/unix"

// Failure is why the kernel refused to send, or what it said had become of packets before. Its name stands in metrics and logs.
type Failure uint8

// The failures. The first three may come from the other end or from a router, by ICMP.
const (
	Refused         Failure = iota // nobody listens at the destination's port
	HostUnreachable                // the destination or the next hop does not answer
	NetUnreachable                 // there is no route
	NoBuffers                      // the device's queue is full
	Again                          // the socket's buffer stayed full
	TooBig                         // larger than what the path takes
	NetDown                        // the device is down or gone
	Denied                         // a filter on this machine refuses it
	Offload                        // the device cannot segment: from now on packets go one by one, and nothing was lost
	Other
)

// Failures is how many there are: a table of counters by Failure has as many places.
const Failures = int(Other) + 1

// String is the failure's name in metrics and logs.
func (f Failure) String() string {
	switch f {
	case Refused:
		return "refused"
	case HostUnreachable:
		return "host_unreachable"
	case NetUnreachable:
		return "net_unreachable"
	case NoBuffers:
		return "no_buffers"
	case Again:
		return "again"
	case TooBig:
		return "too_big"
	case NetDown:
		return "net_down"
	case Denied:
		return "denied"
	case Offload:
		return "offload"
	}
	return "other"
}

// failure names an errno of sendmmsg.
func failure(errno unix.Errno) Failure {
	switch errno {
	case unix.ECONNREFUSED:
		return Refused
	case unix.EHOSTUNREACH:
		return HostUnreachable
	case unix.ENETUNREACH:
		return NetUnreachable
	case unix.ENOBUFS, unix.ENOMEM:
		return NoBuffers
	case unix.EAGAIN:
		return Again
	case unix.EMSGSIZE:
		return TooBig
	case unix.ENETDOWN, unix.ENODEV, unix.ENXIO:
		return NetDown
	case unix.EPERM, unix.EACCES:
		return Denied
	}
	return Other
}
