package shred_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"bisc/relaybin/shred"
	"bisc/relaybin/shred/fixture"
	"bisc/relaybin/shred/shredtest"
)

// recorded are the fixtures with a headers.jsonl beside them.
var recorded = []string{"shreds/demo-shreds.pcap", "shreds/localnet-resigned.ar", "shreds/testnet-385970984-chained_resigned.ar"}

// line is one line of headers.jsonl, every field of it.
type line struct {
	N            int
	Len          int
	SHA256       string
	Kind         string
	Variant      string
	Slot         uint64
	Index        uint32
	Version      uint16
	FECSet       uint32 `json:"fec_set_index"`
	MerkleRoot   string `json:"merkle_root"`
	ParentOffset uint16 `json:"parent_offset"`
	Flags        string
	Tick         uint8 `json:"reference_tick"`
	DataComplete bool  `json:"data_complete"`
	Last         bool  `json:"last_in_slot"`
	Size         uint16
	NumData      uint16 `json:"num_data"`
	NumCoding    uint16 `json:"num_coding"`
	Position     uint16
}

func asLine(n int, payload []byte) (line, error) {
	var h shred.Header
	if r := shred.Parse(payload, &h); r != shred.OK {
		return line{}, fmt.Errorf("rule %v", r)
	}
	root, ok := shred.MerkleRoot(payload, &h)
	if !ok {
		return line{}, fmt.Errorf("no Merkle root")
	}
	sum := sha256.Sum256(payload)
	l := line{N: n, Len: len(payload), SHA256: hex.EncodeToString(sum[:]), Kind: "merkle-" + h.Kind().String(), Variant: fmt.Sprintf("0x%02x", uint8(h.Variant)),
		Slot: h.Slot, Index: h.Index, Version: h.Version, FECSet: h.FECSet, MerkleRoot: hex.EncodeToString(root[:]),
		ParentOffset: h.ParentOffset, Tick: h.Tick(), DataComplete: h.DataComplete(), Last: h.Last(), Size: h.Size,
		NumData: h.NumData, NumCoding: h.NumCoding, Position: h.Position}
	if h.Kind() == shred.Data {
		l.Flags = fmt.Sprintf("0x%02x", h.Flags)
	}
	return l, nil
}

func TestHeadersFieldByField(t *testing.T) {
	for _, name := range recorded {
		shreds := fixture.Shreds(t, name)
		lines := fixture.Lines[line](t, name+".headers.jsonl")
		if len(lines) != len(shreds) {
			t.Fatalf("%s: %d shreds, %d lines", name, len(shreds), len(lines))
		}
		for i, want := range lines {
			got, err := asLine(want.N, shreds[want.N].Payload)
			if err != nil || got != want {
				t.Fatalf("%s shred %d: %v\n got %+v\nwant %+v", name, i, err, got, want)
			}
		}
	}
}

func TestHeaderOfMadeShreds(t *testing.T) {
	shreds, _ := shredtest.Make(shredtest.Block{Slot: 1000, Parent: 997, Version: 7, Sets: 3, Resigned: 1})
	for i, p := range shreds {
		var h shred.Header
		if r := shred.Parse(p, &h); r != shred.OK {
			t.Fatalf("shred %d: %v", i, r)
		}
		set, place := uint32(i/shred.SetTotal), uint32(i%shred.SetTotal)
		kind := shred.Data
		if place >= shred.SetData {
			kind, place = shred.Code, place-shred.SetData
		}
		if h.Slot != 1000 || h.Version != 7 || h.FECSet != 32*set || h.Index != 32*set+place || h.Kind() != kind || h.Place() != place {
			t.Fatalf("shred %d: %+v", i, h)
		}
		if kind == shred.Data && (h.Parent() != 997 || h.Last() != (i == 2*64+31) || h.DataComplete() != (place == 31)) {
			t.Fatalf("data shred %d: %+v", i, h)
		}
		if h.Variant.Resigned() != (set == 2) || (shred.RetransmitterSignature(p, &h) != nil) != (set == 2) {
			t.Fatalf("shred %d of set %d: %+v", i, set, h)
		}
		if r := shred.Judge(&h, shred.Bounds{Version: 7, Root: 996, MaxSlot: 1000, Proof: true}); r != shred.OK {
			t.Fatalf("shred %d: %v: %+v", i, r, h)
		}
	}
}

func TestLayout(t *testing.T) {
	for v, want := range map[shred.Variant][5]int{ // proof, chained root, capacity, erasure shard from and length
		0x96: {1083, 1051, 963, 64, 987},
		0x66: {1108, 1076, 988, 89, 987},
		0xb6: {1019, 987, 899, 64, 923},
		0x76: {1044, 1012, 924, 89, 923},
	} {
		from, to := v.ErasureShard()
		if got := [5]int{v.ProofOffset(), v.ChainedRootOffset(), v.Capacity(), from, to - from}; got != want {
			t.Errorf("%#x: %v, want %v", uint8(v), got, want)
		}
	}
	for b := range 256 {
		v := shred.Variant(b)
		high := b >> 4
		if want := high == 6 || high == 7 || high == 9 || high == 0xb; v.Known() != want {
			t.Errorf("%#x known: %v", b, v.Known())
		}
		if v.Known() && v.ChainedRootOffset() < 89 {
			t.Errorf("%#x: the tail reaches into the header", b)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	shreds, _ := shredtest.Make(shredtest.Block{Slot: 1000, Unsigned: true})
	var h shred.Header
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if shred.Parse(shreds[i&63], &h) != shred.OK {
			b.Fatal("a good shred is refused")
		}
	}
}

func TestNoAllocation(t *testing.T) {
	shreds, _ := shredtest.Make(shredtest.Block{Slot: 1000, Unsigned: true})
	filter := shred.NewFilter(shred.Limits{Version: 50093, Below: 512, Above: 512})
	var h shred.Header
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		p := shreds[i&63]
		i++
		if filter.Check(p) != shred.OK || shred.Parse(p, &h) != shred.OK || shred.Judge(&h, shred.Bounds{}) != shred.OK {
			t.Fatal("a good shred is refused")
		}
		if _, ok := shred.MerkleRoot(p, &h); !ok {
			t.Fatal("no root")
		}
	}); n != 0 {
		t.Errorf("%v allocations a shred, want 0", n)
	}
}
