package mark

import "testing"

func TestRead(t *testing.T) {
	sent := Nonce{1, 2, 3}
	whole := Packet(sent)
	if got, ok := Read(whole); !ok || got != sent || got.String() != "01020300000000000000000000000000" {
		t.Errorf("read %s, %t", got, ok)
	}
	for _, payload := range [][]byte{nil, whole[:Size-1], append(Packet(sent), 0), append([]byte("Bisc"), whole[4:]...), make([]byte, Size), []byte(magic + "0102030000000000000000000000000g")} {
		if _, ok := Read(payload); ok {
			t.Errorf("%q is taken for a mark", payload)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Read(whole) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
