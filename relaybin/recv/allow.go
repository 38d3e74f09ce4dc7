package recv

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Sources is the most prefixes that Options.Allow may have: each takes three of a filter's 255 reachable instructions.
const Sources = 64

// source is an allowed prefix, made ready.
type source struct{ addr, mask uint32 }

func (s *Socket) setAllowed(prefixes []netip.Prefix) error {
	if len(prefixes) > Sources {
		return fmt.Errorf("%d allowed senders, at most %d: write larger prefixes", len(prefixes), Sources)
	}
	s.allow = s.allow[:0]
	for _, p := range prefixes {
		if !p.Addr().Is4() {
			return fmt.Errorf("allow %s: %w", p, ErrNotIPv4)
		}
		b := p.Masked().Addr().As4()
		s.allow = append(s.allow, source{binary.BigEndian.Uint32(b[:]), ^uint32(uint64(1)<<(32-p.Bits()) - 1)})
	}
	switch { // a process before may have left its own on systemd's sockets
	case len(s.allow) == 0 && s.gutter < 0:
		return detach(s.fd)
	case len(s.allow) == 0: // the group would share the packets out
		s.allow = []source{{0, 0}}
	}
	const all = 0xffffffff
	if err := attach(s.fd, unix.SO_ATTACH_FILTER, s.allow, all, 0); err != nil {
		return fmt.Errorf("attach the filter of allowed senders: %w", err)
	}
	if s.gutter < 0 {
		return nil
	}
	// The same filter in the gutter: were the two sockets' places in the group ever exchanged, allowed packets would still
	// be read (Read empties both) and only the counts would be off.
	if err := attach(s.gutter, unix.SO_ATTACH_FILTER, s.allow, all, 0); err != nil {
		return fmt.Errorf("attach the filter of forbidden senders: %w", err)
	}
	if err := attach(s.fd, unix.SO_ATTACH_REUSEPORT_CBPF, s.allow, 0, 1); err != nil {
		return fmt.Errorf("attach the choice between allowed and forbidden senders: %w", err)
	}
	return nil
}

// Allowed reports whether addr (an IPv4 address in host order) may send. The kernel asks the same, except for packets that
// lay in systemd's socket before the filter was attached.
func (s *Socket) Allowed(addr uint32) bool {
	for _, a := range s.allow {
		if addr&a.mask == a.addr {
			return true
		}
	}
	return len(s.allow) == 0
}

// attach puts a program on a socket that answers yes for allowed senders and no for others. It reads the sender out of the
// IP header: a socket's program sees the payload, and the headers before it at SKF_NET_OFF.
func attach(fd, option int, allow []source, yes, no uint32) error {
	const ipSource = 0xfff00000 + 12 // SKF_NET_OFF (linux/filter.h), and the source's place in the IP header
	var program []bpf.Instruction
	for _, a := range allow {
		program = append(program,
			bpf.LoadAbsolute{Off: ipSource, Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: a.mask},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: a.addr, SkipTrue: 1},
			bpf.RetConstant{Val: yes})
	}
	raw, err := bpf.Assemble(append(program, bpf.RetConstant{Val: no}))
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, option, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

func detach(fd int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	if err == unix.ENOENT { // there was none
		return nil
	}
	return err
}
