package modules

import "testing"

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{"0": 0, "4096": 4096, "4T": 4 << 40, "600GiB": 600 << 30, "600 GiB": 600 << 30, "1KB": 1000, "1024G": 1 << 40} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q is %d (%v), want %d", text, b, err, want)
		}
	}
	for _, text := range []string{"", "-1", "1.5G", "G", "1X", "4t", "99999999999P", "0x10"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q passes as %d", text, b)
		}
	}
	for b, want := range map[Bytes]string{0: "0", 4 << 40: "4TiB", 600 << 30: "600GiB", 1536 << 20: "1536MiB", 1000: "1000"} {
		if got := b.String(); got != want {
			t.Errorf("%d prints as %q, want %q", int64(b), got, want)
		}
		var back Bytes
		if err := back.UnmarshalText([]byte(b.String())); err != nil || back != b {
			t.Errorf("%q does not read back", b)
		}
	}
}

func TestMode(t *testing.T) {
	for text, want := range map[string]Mode{"0644": 0o644, "1777": 0o1777, "755": 0o755} {
		var m Mode
		if err := m.UnmarshalText([]byte(text)); err != nil || m != want {
			t.Errorf("%q is %v (%v)", text, m, err)
		}
	}
	for _, text := range []string{"", "7", "0888", "rw-r--r--", "17777", "-644"} {
		var m Mode
		if m.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q passes as %v", text, m)
		}
	}
}

func TestNewRegistryPanicsOnAKindListedTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a kind listed twice passes")
		}
	}()
	NewRegistry(Kind{Name: "a"}, Kind{Name: "a"})
}
