package plane

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"bisc/internal/lab/eos/device"
)

// udp is an Ethernet frame with a UDP datagram.
func udp(from, to string, payload int) []byte {
	f, d := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	b := make([]byte, 42+payload)
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	b[14], b[22], b[23] = 0x45, 64, 17
	binary.BigEndian.PutUint16(b[16:], uint16(28+payload))
	copy(b[26:], f.Addr().AsSlice())
	copy(b[30:], d.Addr().AsSlice())
	binary.BigEndian.PutUint16(b[34:], f.Port())
	binary.BigEndian.PutUint16(b[36:], d.Port())
	return b
}

func TestRules(t *testing.T) {
	frame := udp("192.0.2.2:8000", "203.0.113.10:20000", 10)
	tagged := append(append(append([]byte{}, frame[:12]...), 0x81, 0, 0, 7), frame[12:]...)
	fragment := append([]byte{}, frame...)
	fragment[21] = 9 // a later fragment has no ports
	for _, tt := range []struct {
		rule             string
		frame            []byte
		matches, unknown bool
	}{
		{rule: "permit udp any any eq 20000", matches: true},
		{rule: "permit udp any any eq 20000", frame: tagged, matches: true},
		{rule: "permit udp any any eq 20000", frame: fragment},
		{rule: "permit udp any any", frame: fragment, matches: true},
		{rule: "permit udp any any eq 19999 20000", matches: true},
		{rule: "permit udp any any eq 20001"},
		{rule: "permit udp any eq 20000 any"},
		{rule: "permit udp any eq 8000 any eq 20000", matches: true},
		{rule: "permit udp any any range 20000 20005", matches: true},
		{rule: "permit udp any any range 20001 20005"},
		{rule: "permit udp any any gt 19999", matches: true},
		{rule: "permit udp any any lt 20000"},
		{rule: "permit udp any any neq bgp", matches: true},
		{rule: "permit udp host 192.0.2.2 host 203.0.113.10", matches: true},
		{rule: "permit udp host 192.0.2.3 any"},
		{rule: "permit ip 192.0.2.0/24 203.0.113.0/24 log", matches: true},
		{rule: "permit tcp any any eq 20000"},
		{rule: "permit 17 any any", matches: true},
		{rule: "permit udp any any ttl eq 1", unknown: true},
		{rule: "permit udp any any eq", unknown: true},
		{rule: "allow udp any any", unknown: true},
		{rule: "permit udp any", unknown: true},
	} {
		r, skip, known := parseRule(10, tt.rule)
		if known == tt.unknown || skip {
			t.Errorf("%s: known %v, skip %v", tt.rule, known, skip)
			continue
		}
		if !known {
			continue
		}
		if tt.frame == nil {
			tt.frame = frame
		}
		p, ok := parsePacket(tt.frame)
		if !ok || r.matches(p) != tt.matches {
			t.Errorf("%s: matches %v, want %v (read %+v, %v)", tt.rule, r.matches(p), tt.matches, p, ok)
		}
	}
}

// The first rule that a packet meets decides; what meets none is not copied; a rule that cannot be read copies nothing and is told.
func TestFilter(t *testing.T) {
	frame := udp("192.0.2.2:8000", "203.0.113.10:20000", 10)
	m := device.Mirror{ACL: "A", Rules: []device.ACLRule{{Sequence: 5, Text: "remark shreds"}, {Sequence: 10, Text: "deny udp host 192.0.2.9 any"}, {Sequence: 20, Text: "permit udp any any eq 20000"}, {Sequence: 30, Text: "permit ip any any"}}}
	f, err := newFilter(m, nil)
	if err != nil || !f.takes(frame) || f.takes(udp("192.0.2.9:1", "203.0.113.10:20000", 1)) || f.takes([]byte{1, 2}) {
		t.Errorf("filter %+v: %v", f, err)
	}
	again, _ := newFilter(m, f)
	if again.hits[20].Load() != 1 || again.hits[10].Load() != 1 || again.hits[30].Load() != 0 {
		t.Error("hits are wrong, or did not stay")
	}
	m.Rules[2].Text = "permit udp any any dscp 1"
	if f, err = newFilter(m, nil); err == nil {
		t.Error("a rule that cannot be read was not told")
	}
	if none, err := newFilter(device.Mirror{ACL: "gone"}, nil); err != nil || none.takes(frame) {
		t.Error("a list without rules copies")
	}
	if all, _ := newFilter(device.Mirror{}, nil); !all.takes(frame) {
		t.Error("no list: not everything is copied")
	}
}

func TestQueueShape(t *testing.T) {
	q := &queue{}
	for range 1000 {
		if !q.admit(1280) {
			t.Fatal("a queue without a shape drops")
		}
	}
	q.shape(1) // 125 bytes a second: after its burst, nothing within this test
	passed := 0
	for range 1000 {
		if q.admit(1280) {
			passed++
		}
	}
	if want := burst / 1280; passed != want || q.read().DroppedPackets != uint64(1000-want) || q.read().DroppedBytes != uint64(1000-want)*1280 {
		t.Errorf("passed %d, want %d; %+v", passed, want, q.read())
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{"Ethernet4/1": "et4_1", "Ethernet1": "et1", "Management1": "ma1", "Port-Channel7": "po7", "Foo1": "", "Ethernet": ""} {
		if got := Kernel(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := queueName("copp-system-mirroring"); got != mirrorClass {
		t.Errorf("got %q", got)
	}
}
