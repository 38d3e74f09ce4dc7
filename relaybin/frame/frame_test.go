package frame

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"bisc/relaybin/pcap"
)

// fixtures are frames as a mirror port delivers them, with what must become of each.
const fixtures = "../../../shared/fixtures/solana/frames"

// ours is what the relay of the fixtures is set to.
var ours = Match{Addr: netip.MustParseAddr("203.0.113.10"), Port: 8001}

type sample struct {
	Name    string
	Forward any    // true, false or "either"
	Sha     string `json:"payload_sha256"`
	Length  int    `json:"payload_len"`
	frame   []byte
	wire    int
}

func samples(t testing.TB) []sample {
	t.Helper()
	f, err := os.Open(filepath.Join(fixtures, "mirrored-frames.pcap"))
	if err != nil {
		t.Fatalf("the frames are missing (CI has them): %v", err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	expected, err := os.ReadFile(filepath.Join(fixtures, "mirrored-frames.expect.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for lines := bufio.NewScanner(bytes.NewReader(expected)); lines.Scan(); {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		var p pcap.Packet
		if err := r.Next(&p); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		s.frame, s.wire = bytes.Clone(p.Data), p.Length
		all = append(all, s)
	}
	if err := r.Next(new(pcap.Packet)); !errors.Is(err, io.EOF) || len(all) < 31 {
		t.Fatalf("%d verdicts for the frames, and then %v", len(all), err)
	}
	return all
}

// check decides about an Ethernet frame of which wire bytes were on the wire.
func check(m Match, frame []byte, wire int) (payload []byte, c Cut, v Verdict) {
	rule := m.Rule()
	etherType, rest := Ethernet(frame)
	c, v = rule.Check(etherType, rest, wire-14)
	if v != Forward {
		return nil, c, v
	}
	return rest[c.Payload:c.End], c, v
}

func TestFrames(t *testing.T) {
	reason := map[string]Verdict{
		"wrong-port": NotOurs, "wrong-address": NotOurs, "source-port-equals-tvu": NotOurs, "tcp": Protocol, "icmp": Protocol, "arp": Ethertype, "ipv6-udp": Ethertype,
		"fragment-first": Fragment, "fragment-second": Fragment, "snap-cut-512": Truncated, "snap-cut-40": Truncated, "snap-cut-20": Truncated,
		"udp-length-too-long": Length, "udp-length-below-8": Length, "ihl-4": IHL, "ip-version-5": Version, "total-length-too-small": Length, "gre-tap-inner": Protocol,
	}
	for _, s := range samples(t) {
		payload, c, v := check(ours, s.frame, s.wire)
		if want := s.Forward != false; want != (v == Forward) {
			t.Errorf("%s: %v, want forward %v", s.Name, v, s.Forward)
			continue
		}
		if v != reason[s.Name] {
			t.Errorf("%s: %v, want %v", s.Name, v, reason[s.Name])
		}
		if v != Forward {
			continue
		}
		if sum := sha256.Sum256(payload); hex.EncodeToString(sum[:]) != s.Sha || len(payload) != s.Length {
			t.Errorf("%s: the payload of %d bytes is not the %d bytes expected", s.Name, len(payload), s.Length)
		}
		if c.Payload-c.IP < 28 || c.BadSum != (s.Name == "ip-checksum-bad") {
			t.Errorf("%s: %+v", s.Name, c)
		}
	}
}

// A prefix is never forwarded, whether what is on the wire was longer or the frame itself ends there.
func TestFramePrefixes(t *testing.T) {
	for _, s := range samples(t) {
		whole, _, v := check(ours, s.frame, s.wire)
		for n := range s.frame {
			if _, _, v := check(ours, s.frame[:n], s.wire); v == Forward {
				t.Fatalf("%s: %d bytes of %d are forwarded", s.Name, n, s.wire)
			}
			if got, _, w := check(ours, s.frame[:n], n); w == Forward && (v != Forward || !bytes.Equal(got, whole)) {
				t.Fatalf("%s: as a frame of %d bytes it is forwarded with %d bytes", s.Name, n, len(got))
			}
		}
	}
}

// With a single bit turned over in the headers, what is forwarded is still exactly the shred, never a part of it or more.
func TestFrameBitFlips(t *testing.T) {
	forwarded, dropped := 0, 0
	for _, s := range samples(t) {
		whole, c, v := check(ours, s.frame, s.wire)
		for bit := range min(len(s.frame), 14+68+8) * 8 {
			if v == Forward && bit/8 >= 14+int(c.Payload) {
				break // in the shred: its signature's business
			}
			bent := bytes.Clone(s.frame)
			bent[bit/8] ^= 1 << (bit % 8)
			got, _, w := check(ours, bent, s.wire)
			if w != Forward {
				dropped++
				continue
			}
			forwarded++
			if v == Forward && !bytes.Equal(got, whole) {
				t.Errorf("%s: bit %d of byte %d turned over: %d bytes are forwarded, not the shred's %d", s.Name, bit%8, bit/8, len(got), len(whole))
			}
			if v != Forward && !nearMiss(s.Name) {
				t.Errorf("%s: bit %d of byte %d turned over: forwarded", s.Name, bit%8, bit/8)
			}
		}
	}
	if forwarded == 0 || dropped == 0 {
		t.Errorf("%d forwarded, %d dropped: one of the two was never tried", forwarded, dropped)
	}
}

// nearMiss tells of a frame which is one bit away from a good one to our port: what is forwarded then is what such a frame is.
func nearMiss(name string) bool {
	switch name {
	case "wrong-port", "wrong-address", "ip-version-5", "ihl-4":
		return true
	}
	return false
}

func FuzzCheck(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.frame, uint16(s.wire))
	}
	f.Fuzz(func(t *testing.T, frame []byte, wire uint16) {
		payload, c, v := check(ours, frame, int(wire))
		if int(v) >= Verdicts || v.String() == "unknown" {
			t.Fatalf("verdict %d has no name", v)
		}
		if v != Forward {
			return
		}
		udp := frame[14+c.Payload-8:]
		if c.Payload-c.IP < 28 || len(payload)+8 != int(udp[4])<<8|int(udp[5]) || udp[2] != 8001>>8 || udp[3] != 8001&255 {
			t.Errorf("forwarded %+v of %x", c, frame)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	rule := ours.Rule()
	for _, s := range samples(b)[:3] {
		b.Run(s.Name, func(b *testing.B) {
			etherType, rest := Ethernet(s.frame)
			b.ReportAllocs()
			for b.Loop() {
				if _, v := rule.Check(etherType, rest, len(rest)); v != Forward {
					b.Fatal(v)
				}
			}
		})
	}
}
