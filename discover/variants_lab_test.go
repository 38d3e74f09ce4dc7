package discover_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// original is a host as the playbooks left it: the scripts that do what they did, and every resource that is not as it ought
// to be there, with words of what discover says of it.
type original struct {
	variant string
	scripts []string
	differs map[string]string
}

// dataFaults are what variants A to C have in common.
var dataFaults = map[string]string{
	"ramdisk[/dev/ram0]":                     "format-ramdisk.service makes its file system without a look",
	"mount[/srv/solana]":                     "nothing orders it after zfs-mount.service",
	"package[docker.io]":                     "it is not held",
	"package[containerd]":                    "it is not held",
	"drop_in[docker.service/10-bisc-ground]": "nothing orders docker after",
}

func TestOriginals(t *testing.T) {
	with := func(more map[string]string) map[string]string {
		out := map[string]string{}
		for _, m := range []map[string]string{dataFaults, more} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	tmpfs := map[string]string{}
	for k, v := range dataFaults {
		if k != "ramdisk[/dev/ram0]" && k != "mount[/srv/solana]" {
			tmpfs[k] = v
		}
	}
	for _, o := range []original{
		{"A", []string{"before", "format", "A"}, with(nil)},
		{"B", []string{"before", "format", "B"}, with(map[string]string{"bind[/srv/kind/solana]": "says nothing of propagation"})},
		{"C", []string{"before", "format", "C"}, with(map[string]string{"mount[/srv/kind/solana]": "lacks nofail", "mount[/srv/kind/solana/ramdisk]": "lacks nofail"})},
		{"D", []string{"before", "D"}, tmpfs},
		{"E", []string{"before", "E"}, tmpfs},
	} {
		t.Run(o.variant, func(t *testing.T) { o.test(newBench(t, true, true)) })
	}
}

func (o original) test(b *bench) {
	b.scripts(o.scripts...)
	said := b.bisc(0, "discover", "biscayne", "--out", "found")
	if !strings.Contains(said, "variant "+o.variant+":") {
		b.Errorf("discover does not say variant %s:\n%s", o.variant, said)
	}
	b.good()
	want := make([]string, 0, len(o.differs))
	for name, words := range o.differs {
		want = append(want, name)
		_, after, ok := strings.Cut(said, "."+name+"\n")
		if entry, _, _ := strings.Cut(after, "\n  ~"); !ok || !strings.Contains(entry, words) {
			b.Errorf("of %s discover does not say %q:\n%s", name, words, said)
		}
	}
	plan := b.bisc(2, "plan", "--plans", "found")
	got := b.differing(plan)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.Errorf("the first plan shows\n%s\nwant\n%s\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), plan, b.found())
	}
}

// TestApplied takes hosts to each variant of bisc's own plan: then discover names it, finds nothing wrong, and what it writes
// is in sync.
func TestApplied(t *testing.T) {
	folder, err := filepath.Abs("../plans/biscayne")
	if err != nil {
		t.Fatal(err)
	}
	for _, variant := range []string{"B", "C", "D", "E", "plain"} {
		t.Run(variant, func(t *testing.T) {
			b := newBench(t, variant != "plain", true)
			if variant == "plain" {
				b.scripts("disk")
			}
			b.bisc(0, "apply", "--plans", folder, "--set", "variant="+variant, "--auto-approve", "--until-clean")
			said := b.bisc(0, "discover", "biscayne", "--plans", folder, "--out", "found")
			for _, words := range []string{"biscayne: variant " + variant + ":", "with variant = " + variant + ": 0 of ", " resources, 0 of them not as they ought to be"} {
				if !strings.Contains(said, words) {
					t.Errorf("discover does not say %q:\n%s", words, said)
				}
			}
			b.good()
			b.bisc(0, "plan", "--plans", "found")
		})
	}
}
