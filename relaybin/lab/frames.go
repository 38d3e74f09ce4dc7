package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Frame is a frame as a capture has it.
type Frame struct {
	At     time.Duration // since the first frame
	Data   []byte
	Length int // on the wire; more than len(Data) where the capture cut it
}

// ReadPcap reads a capture: the classic format, little endian, in microseconds or nanoseconds, of Ethernet frames.
func ReadPcap(name string) ([]Frame, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(b) < 24 {
		return nil, fmt.Errorf("%s is no pcap file: %d bytes", name, len(b))
	}
	unit := time.Microsecond
	switch magic := binary.LittleEndian.Uint32(b); magic {
	case 0xa1b2c3d4:
	case 0xa1b23c4d:
		unit = time.Nanosecond
	default:
		return nil, fmt.Errorf("%s is no little endian pcap file: magic %#x", name, magic)
	}
	if link := binary.LittleEndian.Uint32(b[20:]); link != 1 {
		return nil, fmt.Errorf("%s has link type %d, want 1: Ethernet", name, link)
	}
	var frames []Frame
	var first time.Duration
	for b = b[24:]; len(b) > 0; {
		if len(b) < 16 {
			return nil, fmt.Errorf("%s: frame %d is cut", name, len(frames))
		}
		at := time.Duration(binary.LittleEndian.Uint32(b))*time.Second + time.Duration(binary.LittleEndian.Uint32(b[4:]))*unit
		kept, length := int(binary.LittleEndian.Uint32(b[8:])), int(binary.LittleEndian.Uint32(b[12:]))
		if kept < 0 || kept > len(b)-16 {
			return nil, fmt.Errorf("%s: frame %d is cut", name, len(frames))
		}
		if len(frames) == 0 {
			first = at
		}
		frames = append(frames, Frame{At: at - first, Data: b[16 : 16+kept : 16+kept], Length: length})
		b = b[16+kept:]
	}
	return frames, nil
}

// Replay sends frames on a device of the turbine peer (Inlet to come out of the mirror) and returns when all are sent.
// A gap parts each from the next; below 0 it is the capture's own.
func (n *Net) Replay(ctx context.Context, device string, frames []Frame, gap time.Duration) error {
	return n.Turbine.Do(func() error {
		socket, err := n.packetSocket(device)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		start := time.Now()
		for i, f := range frames {
			at := f.At
			if gap >= 0 {
				at = time.Duration(i) * gap
			}
			if wait := time.Until(start.Add(at)); wait > 0 {
				select {
				case <-time.After(wait):
				case <-ctx.Done():
					return fmt.Errorf("replay of %d frames ended after %d: %w", len(frames), i, context.Cause(ctx))
				}
			}
			for err = unix.EINTR; errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR); {
				err = unix.Send(socket, f.Data, 0)
			}
			if err != nil {
				return fmt.Errorf("send frame %d of %d bytes on %s: %w", i, len(f.Data), device, err)
			}
		}
		return nil
	})
}
