package ring

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"bisc/relaybin/frame"
)

// outgoing is PACKET_OUTGOING, the type of a frame that this machine sends. Kernels before 4.20 have no PACKET_IGNORE_OUTGOING,
// so the filter looks too.
const outgoing = 4

// filter is the kernel's share of the checks: it lets through UDP to m, and what may be that and is not whole, so that it is
// counted here and not lost in silence: fragments of any datagram to the address (only the first has ports), frames that end
// before the port, IP headers that give too short a length. The link's header has so many bytes; the kernel has taken the
// outermost VLAN tag off by then, and up to two more are looked through.
func filter(m frame.Match, header uint32) ([]bpf.RawInstruction, error) {
	blocks := [][]bpf.Instruction{datagram(m, header), datagram(m, header+4), datagram(m, header+8)}
	program := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: outgoing, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadExtension{Num: bpf.ExtProto},
	}
	for n, block := range blocks {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: frame.IPv4, SkipTrue: uint8(len(block))})
		program = append(program, block...)
		if n == len(blocks)-1 {
			break
		}
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_8021Q, SkipTrue: 3},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_8021AD, SkipTrue: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_QINQ1, SkipTrue: 1},
			bpf.RetConstant{Val: 0},
			bpf.LoadAbsolute{Off: header + uint32(4*n+2), Size: 2})
	}
	program = append(program, bpf.RetConstant{Val: 0})
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, fmt.Errorf("kernel filter for %v port %d: %w", m.Addr, m.Port, err)
	}
	return raw, nil
}

// datagram decides about the IP packet at base. Each way through it ends in a return.
func datagram(m frame.Match, base uint32) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: base + 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_UDP, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}
	if m.Addr.IsValid() {
		addr := m.Addr.Unmap().As4()
		program = append(program,
			bpf.LoadAbsolute{Off: base + 16, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(addr[:]), SkipTrue: 1},
			bpf.RetConstant{Val: 0})
	}
	if m.Port == 0 {
		return append(program, bpf.RetConstant{Val: whole})
	}
	return append(program,
		bpf.LoadAbsolute{Off: base + 6, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 9}, // not the first of its fragments
		bpf.LoadAbsolute{Off: base, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 15},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 5, SkipTrue: 6},
		bpf.LoadMemShift{Off: base},
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.ALUOpConstant{Op: bpf.ALUOpSub, Val: base + 4}, // cannot wrap: base+16 was read, or base+9 and base+6 with 4 below
		bpf.JumpIfX{Cond: bpf.JumpLessThan, SkipTrue: 2},   // ends before the port
		bpf.LoadIndirect{Off: base + 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(m.Port), SkipTrue: 1},
		bpf.RetConstant{Val: whole},
		bpf.RetConstant{Val: 0})
}

// whole is what a filter returns for a frame of which all is wanted.
const whole = 0x40000
