package shred_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"bisc/relaybin/shred"
	"bisc/relaybin/shred/fixture"
	"bisc/relaybin/shred/shredtest"
)

type filterCase struct {
	Name   string
	Hex    string
	OK     any `json:"header_ok"` // true, false or "either"
	Why    string
	Length int `json:"len"`
}

type filterContext struct {
	Root     uint64
	MaxSlot  uint64 `json:"max_slot"`
	MaxIndex uint32 `json:"max_data_index_exclusive"`
	Version  uint16 `json:"shred_version"`
}

// A validator's verdict is that of Parse and Judge; a relay enforces the part of it that needs no state and lets the rest pass.
func TestFilterCases(t *testing.T) {
	context := fixture.JSON[filterContext](t, "filter/filter-context.json")
	cases := fixture.Lines[filterCase](t, "filter/filter-cases.jsonl")
	if len(cases) < 30 {
		t.Fatalf("%d cases", len(cases))
	}
	relay := []shred.Rule{shred.Short, shred.BadVariant, shred.BadVersion, shred.SlotHigh, shred.SlotLow}
	for _, c := range cases {
		payload, err := hex.DecodeString(c.Hex)
		if err != nil || len(payload) != c.Length {
			t.Fatal(c.Name, err)
		}
		for _, proof := range []bool{false, true} {
			bounds := shred.Bounds{Version: context.Version, Root: context.Root, MaxSlot: context.MaxSlot, MaxIndex: context.MaxIndex, Proof: proof}
			got := verdict(payload, bounds)
			if c.OK == "either" && got == shred.OK && !proof {
				continue
			}
			if want := c.OK == true; (got == shred.OK) != want || !want && !strings.Contains(c.Why, got.String()) {
				t.Errorf("%s: %v, want %v: %s", c.Name, got, c.OK, c.Why)
			}
		}
		got := verdict(payload, shred.Bounds{Version: context.Version, Root: context.Root, MaxSlot: context.MaxSlot})
		want := shred.OK
		if slices.Contains(relay, got) {
			want = got
		}
		filter := windowed(t, context)
		if r := filter.Check(payload); r != want {
			t.Errorf("%s: a relay says %v, want %v", c.Name, r, want)
		}
	}
}

// windowed returns a filter whose tip is known and whose window is the context's: from the root, exclusive, to max_slot.
func windowed(t *testing.T, c filterContext) *shred.Filter {
	t.Helper()
	tip := c.Root + 1
	f := shred.NewFilter(shred.Limits{Version: c.Version, Above: c.MaxSlot - tip - 1, Below: 1})
	feed(t, f, tip+1, c.Version, 63)
	if got, ok := f.Tip(); !ok || got != tip+1 {
		t.Fatalf("tip %d %v", got, ok)
	}
	return f
}

// feed gives the filter n good shreds of a slot.
func feed(t *testing.T, f *shred.Filter, slot uint64, version uint16, n int) (refused int) {
	t.Helper()
	made, _ := shredtest.Make(shredtest.Block{Slot: slot, Version: version, Unsigned: true})
	for i := range n {
		if r := f.Check(made[i%len(made)]); r != shred.OK {
			refused++
		}
	}
	return refused
}

func verdict(payload []byte, b shred.Bounds) shred.Rule {
	var h shred.Header
	if r := shred.Parse(payload, &h); r != shred.OK {
		return r
	}
	return shred.Judge(&h, b)
}

func TestOneStraySlotMovesNoWindow(t *testing.T) {
	const tip = 460_000_000
	for _, stray := range []uint64{0, 1, tip - 1000, tip + 1000, 1 << 40, 1<<64 - 1} {
		f := shred.NewFilter(shred.Limits{Below: 500, Above: 500})
		feed(t, f, tip, 1, 63)
		for range 200 { // 30 stray shreds to 33 good ones, again and again
			if n := feed(t, f, stray, 1, 30); n != 30 {
				t.Fatalf("slot %d: %d of 30 strays refused", stray, n)
			}
			if n := feed(t, f, tip, 1, 33); n != 0 {
				t.Fatalf("slot %d: %d good shreds refused beside strays", stray, n)
			}
		}
	}
}

func TestWindowFollowsTheClusterAfterSilence(t *testing.T) {
	f := shred.NewFilter(shred.Limits{Below: 500, Above: 500})
	feed(t, f, 1000, 1, 63)
	for _, slot := range []uint64{500_000, 2000} { // far ahead, and back: a cluster that was restarted
		if n := feed(t, f, slot, 1, 126); n > 63 {
			t.Errorf("slot %d: %d of 126 refused, the window did not follow", slot, n)
		}
	}
}

func TestFilterOffLetsUnknownVariantsPass(t *testing.T) {
	made, _ := shredtest.Make(shredtest.Block{Slot: 70, Unsigned: true})
	made[0][64] = 0xc6
	if r := shred.NewFilter(shred.Limits{}).Check(made[0]); r != shred.BadVariant {
		t.Error(r)
	}
	if r := shred.NewFilter(shred.Limits{Off: true}).Check(made[0]); r != shred.OK {
		t.Error(r)
	}
}

func TestRuleNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range shred.Rules {
		seen[shred.Rule(r).String()] = true
	}
	if len(seen) != shred.Rules || seen["unknown"] || shred.Rule(shred.Rules).String() != "unknown" {
		t.Errorf("%d names for %d rules: %v", len(seen), shred.Rules, seen)
	}
}

func BenchmarkFilter(b *testing.B) {
	made, _ := shredtest.Make(shredtest.Block{Slot: 1000, Unsigned: true})
	f := shred.NewFilter(shred.Limits{Version: 50093, Below: 512, Above: 512})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if f.Check(made[i&63]) != shred.OK {
			b.Fatal("refused")
		}
	}
}
