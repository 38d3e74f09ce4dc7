package pcap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"bisc/relaybin/pcap"
)

// capture writes a file of one record in the given order and resolution.
func capture(order binary.AppendByteOrder, nanos bool, data []byte, wire int) []byte {
	magic, fraction := uint32(0xa1b2c3d4), uint32(123456)
	if nanos {
		magic, fraction = 0xa1b23c4d, 123456789
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint32(b, 0x00040002)
	for _, v := range []uint32{0, 0, 65535, pcap.Raw, 1795000000, fraction, uint32(len(data)), uint32(wire)} {
		b = order.AppendUint32(b, v)
	}
	return append(b, data...)
}

func TestReadsEachForm(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, nanos := range []bool{false, true} {
			r, err := pcap.NewReader(bytes.NewReader(capture(order, nanos, []byte("packet"), 60)))
			if err != nil {
				t.Fatal(err)
			}
			var p pcap.Packet
			if err := r.Next(&p); err != nil || string(p.Data) != "packet" || p.Length != 60 || r.Link != pcap.Raw {
				t.Fatalf("%v nanos %v: %+v %v", order, nanos, p, err)
			}
			want := time.Unix(1795000000, 123456000)
			if nanos {
				want = time.Unix(1795000000, 123456789)
			}
			if !p.Time.Equal(want) {
				t.Errorf("%v nanos %v: %v", order, nanos, p.Time)
			}
			if err := r.Next(&p); err != io.EOF {
				t.Errorf("after the last record: %v", err)
			}
		}
	}
}

// A capture whose writer was killed ends anywhere: that is told from its end, and a length that cannot be is not believed.
func TestEveryPrefix(t *testing.T) {
	whole := capture(binary.LittleEndian, false, []byte("packet"), 6)
	for n := range len(whole) {
		r, err := pcap.NewReader(bytes.NewReader(whole[:n]))
		if n < 24 {
			if !errors.Is(err, pcap.ErrFormat) {
				t.Errorf("%d bytes: %v", n, err)
			}
			continue
		}
		var p pcap.Packet
		if err := r.Next(&p); n == 24 && err != io.EOF || n > 24 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	binary.LittleEndian.PutUint32(whole[32:], 1<<31)
	r, err := pcap.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Next(&pcap.Packet{}); !errors.Is(err, pcap.ErrFormat) {
		t.Errorf("a record of 2 GiB: %v", err)
	}
}

func TestRefusesPcapng(t *testing.T) {
	_, err := pcap.NewReader(bytes.NewReader([]byte("\x0a\x0d\x0d\x0a" + "....................")))
	if !errors.Is(err, pcap.ErrFormat) || !bytes.Contains([]byte(err.Error()), []byte("tcpdump -r FILE -w NEW")) {
		t.Error(err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(capture(binary.LittleEndian, false, []byte("packet"), 6))
	f.Add(capture(binary.BigEndian, true, nil, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := pcap.NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		for p := (pcap.Packet{}); r.Next(&p) == nil; {
			if len(p.Data) > len(b) {
				t.Fatal("more data than the file has")
			}
		}
	})
}
