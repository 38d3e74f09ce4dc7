package plans

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"bisc/internal/source"
)

// literal is a plan of n mounts written one by one, each with a reference, and as many local values.
func literal(n int) string {
	var b strings.Builder
	b.WriteString("locals {\n")
	for i := range n {
		fmt.Fprintf(&b, "  device%d = \"/dev/disk%d\"\n", i, i)
	}
	b.WriteString("}\nlayer \"storage\" {\n  on = \"lab\"\n")
	for i := range n {
		fmt.Fprintf(&b, "  mount \"/srv/%d\" {\n    source  = local.device%d\n    fstype  = \"xfs\"\n    options = [\"noatime\", \"nodiratime\"]\n    size    = \"4T\"\n  }\n", i, i)
	}
	b.WriteString("}\n")
	return b.String()
}

// repeated is a plan of n mounts by for_each.
func repeated(n int) string {
	return fmt.Sprintf(`layer "storage" {
  on = "lab"
  mount {
    for_each = toset(formatlist("%%d", flatten([for i in range(%d) : [for j in range(10) : i * 10 + j]])))
    label    = "/srv/${each.key}"
    source   = "/dev/disk${each.key}"
    fstype   = "xfs"
    options  = ["noatime", "nodiratime"]
    size     = "4T"
  }
}
`, n/10)
}

func loadMany(tb testing.TB, text string, n int) *Plan {
	tb.Helper()
	p, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(tb), Registry: testRegistry()})
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	if got := len(p.Addresses()); got != n {
		tb.Fatalf("got %d items, want %d", got, n)
	}
	return p
}

// allocated is how many bytes loading a plan takes from the heap, all in all.
func allocated(tb testing.TB, text string, n int) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	loadMany(tb, text, n)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Ten times the resources must not cost much more than ten times the memory: a scope copied for each item, or a table
// made for each expression, shows here as a square.
func TestLoadIsLinear(t *testing.T) {
	for name, make := range map[string]func(int) string{"literal": literal, "for_each": repeated} {
		few, many := allocated(t, make(100), 100), allocated(t, make(1000), 1000)
		if many > 14*few {
			t.Errorf("%s: 100 resources take %d bytes, 1,000 take %d", name, few, many)
		}
		if many > 80<<20 {
			t.Errorf("%s: 1,000 resources take %d bytes", name, many)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for name, text := range map[string]string{"literal": literal(1000), "for_each": repeated(1000)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				loadMany(b, text, 1000)
			}
		})
	}
}

func BenchmarkFormat(b *testing.B) {
	text := []byte(literal(1000))
	for b.Loop() {
		Format(text)
	}
}
