package meter

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bisc/relaybin/shred"
	"bisc/relaybin/shred/fixture"
)

// expect is *.expect.json, every field of it that a header-only meter must report.
type expect struct {
	Shreds     int
	Unparsable int
	Variants   map[string]int
	Slots      []expectSlot
}

type expectSlot struct {
	Slot            uint64
	AllData         bool   `json:"all_data_received"`
	CodeUnique      uint32 `json:"code_unique"`
	DataUnique      uint32 `json:"data_unique"`
	Complete        bool
	CompleteByChain bool `json:"complete_by_header_or_chain"`
	Duplicates      int  `json:"exact_duplicates"`
	LastIndex       *int `json:"last_index"`
	LastByChain     *int `json:"last_index_by_chain"`
	Parent          *uint64
	ParentSlot      *uint64 `json:"parent_slot"`
	Versions        []uint16
	Sets            []struct {
		Index int `json:"fec_set_index"`
		Data  int
		Code  int
		State string
		Root  string `json:"merkle_root"`
		Roots int    `json:"merkle_roots_seen"`
	}
}

// fed returns a meter that has seen a recording on one path.
func fed(t testing.TB, shreds []fixture.Shred) *Meter {
	t.Helper()
	m, err := New(Config{Paths: []string{"only"}})
	if err != nil {
		t.Fatal(err)
	}
	m.Lock()
	defer m.Unlock()
	for _, s := range shreds {
		m.See(0, s.At.UnixNano(), s.Payload)
	}
	return m
}

func same[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// compare checks a meter that still holds all its slots against a recording's expectations, field by field.
func compare(t *testing.T, m *Meter, want expect) {
	t.Helper()
	if p := &m.paths[0]; len(m.paths) == 1 && (p.packets != uint64(want.Shreds) || p.refused[shred.Short]+p.refused[shred.BadVariant] != uint64(want.Unparsable)) {
		t.Errorf("%d packets, refused %v; want %d, %d", p.packets, p.refused, want.Shreds, want.Unparsable)
	}
	reports := map[uint64]SlotReport{}
	for _, r := range m.Report(64, true).Slots {
		reports[r.Slot] = r
	}
	if len(reports) != len(want.Slots) {
		t.Errorf("%d slots, want %d", len(reports), len(want.Slots))
	}
	for _, w := range want.Slots {
		compareSlot(t, reports[w.Slot], w)
	}
}

func compareSlot(t *testing.T, got SlotReport, want expectSlot) {
	t.Helper()
	if got.Data != want.DataUnique || got.Code != want.CodeUnique || got.Complete != want.CompleteByChain {
		t.Errorf("slot %d: data %d code %d complete %v, want %d %d %v", want.Slot, got.Data, got.Code, got.Complete, want.DataUnique, want.CodeUnique, want.CompleteByChain)
	}
	if (got.State == "full") != (want.AllData && want.CompleteByChain) {
		t.Errorf("slot %d: state %s, all data %v", want.Slot, got.State, want.AllData)
	}
	if !same(got.EndByFlag, want.LastIndex) || !same(got.EndByChain, want.LastByChain) {
		t.Errorf("slot %d: ends by flag %v, by chain %v; want %v, %v", want.Slot, got.EndByFlag, got.EndByChain, want.LastIndex, want.LastByChain)
	}
	if want.ParentSlot != nil && want.Slot != 0 && !same(got.Parent, want.ParentSlot) {
		t.Errorf("slot %d: parent %v, want %d", want.Slot, got.Parent, *want.ParentSlot)
	}
	if len(got.SetList) != len(want.Sets) {
		t.Fatalf("slot %d: %d sets, want %d", want.Slot, len(got.SetList), len(want.Sets))
	}
	for i, w := range want.Sets {
		g := got.SetList[i]
		roots := max(1, w.Roots)
		if g.Index != w.Index || g.Data != w.Data || g.Code != w.Code || g.State != w.State || len(g.Roots) != roots || roots == 1 && g.Roots[0] != w.Root {
			t.Errorf("slot %d: %+v, want %+v", want.Slot, g, w)
		}
		if (roots > 1) != (got.Equivocations > 0) && roots > 1 {
			t.Errorf("slot %d: %d equivocations", want.Slot, got.Equivocations)
		}
	}
}

func TestRecordedSlots(t *testing.T) {
	for _, name := range []string{"shreds/demo-shreds.pcap", "shreds/localnet-resigned.ar", "shreds/testnet-385970984-chained_resigned.ar",
		"shreds/testnet-417955322.full.pcap", "shreds/testnet-417955322.shreds.json.gz"} {
		t.Run(name, func(t *testing.T) {
			shreds, want := fixture.Shreds(t, name), fixture.JSON[expect](t, name+".expect.json")
			m := fed(t, shreds)
			compare(t, m, want)
			duplicates, exact, variants, once := want.Shreds, 0, map[string]int{}, map[string]bool{}
			for _, s := range want.Slots {
				duplicates -= int(s.DataUnique + s.CodeUnique) // a resigned shred from two parents is one shred, though no exact duplicate
				exact += s.Duplicates
			}
			for _, s := range shreds {
				once[string(s.Payload)] = true
				variants["0x"+strconv.FormatUint(uint64(s.Payload[64]), 16)]++
			}
			if m.paths[0].conflicts != 0 || len(shreds)-len(once) != exact || int(m.paths[0].duplicates) != duplicates || !maps.Equal(variants, want.Variants) {
				t.Errorf("%d duplicates, %d conflicts, variants %v; want %d, %v", m.paths[0].duplicates, m.paths[0].conflicts, variants, duplicates, want.Variants)
			}
			resigned := 0
			for v, n := range want.Variants {
				if strings.HasPrefix(v, "0xb") || strings.HasPrefix(v, "0x7") {
					resigned += n
				}
			}
			if m.paths[0].resigned != uint64(resigned) {
				t.Errorf("%d resigned, want %d", m.paths[0].resigned, resigned)
			}
		})
	}
}

// Twelve slots with known damage: what each is called, whatever order their shreds come in.
func TestSyntheticSlots(t *testing.T) {
	shreds := fixture.Shreds(t, "streams/synthetic-12-slots.pcap")
	want := fixture.JSON[struct{ Result expect }](t, "streams/synthetic-12-slots.expect.json").Result
	m := fed(t, shreds)
	compare(t, m, want)
	if m.paths[0].duplicates != 42 {
		t.Errorf("%d duplicates, want 42", m.paths[0].duplicates)
	}
	m.Finish()
	states := map[uint64]string{}
	for _, s := range m.Report(64, false).Slots {
		states[s.Slot-460000000] = s.State
	}
	wantStates := map[uint64]string{0: "full", 1: "recoverable", 2: "partial", 3: "recoverable", 4: "skipped", 5: "full", 6: "recoverable",
		7: "recoverable", 8: "full", 9: "partial", 10: "recoverable", 11: "recoverable", 12: "partial"}
	if !maps.Equal(states, wantStates) {
		t.Errorf("%v\nwant %v", states, wantStates)
	}
	if m.total.Equivocations != 1 || m.total.Slots != [slotStates]uint64{3, 6, 3, 0, 1, 0} {
		t.Errorf("%+v", m.total)
	}
	for seed := range uint64(20) {
		other := shuffled(t, shreds, seed)
		other.Finish()
		if other.total.Slots != m.total.Slots || other.total.Sets != m.total.Sets || other.total.Equivocations != m.total.Equivocations {
			t.Errorf("order %d: %+v, want %+v", seed, other.total, m.total)
		}
		if a, b := other.Report(64, false).Slots, m.Report(64, false).Slots; !slices.EqualFunc(a, b, sameSlot) {
			t.Errorf("order %d: other verdicts\n%+v\n%+v", seed, a, b)
		}
	}
}

func sameSlot(a, b SlotReport) bool {
	return a.Slot == b.Slot && a.State == b.State && maps.Equal(a.Sets, b.Sets) && a.Data == b.Data && a.Code == b.Code && a.Equivocations == b.Equivocations &&
		same(a.CompleteAfter, b.CompleteAfter) && same(a.EndByFlag, b.EndByFlag) && same(a.EndByChain, b.EndByChain) && same(a.Parent, b.Parent)
}

// shuffled feeds the same packets with their times in another order, duplicates of one shred in theirs.
func shuffled(t *testing.T, shreds []fixture.Shred, seed uint64) *Meter {
	order := slices.Clone(shreds)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	first := map[string]int{} // a path's own copies come in order
	for i, s := range order {
		if j, seen := first[string(s.Payload)]; seen && s.At.Before(order[j].At) {
			order[i], order[j] = order[j], order[i]
		} else if !seen {
			first[string(s.Payload)] = i
		}
	}
	return fed(t, order)
}
