package plans

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/modules"
)

const otherEnd = `
layer "storage" {
  on = "lab"
  mount "/there" {
    source = "/dev/a"
    fstype = "xfs"
  }
}
layer "relay" {
  on = "switch"
  invariant "arrives" {
    because = "nothing else proves it"
    from    = FROM
    mount "/there" {
      source = "/dev/a"
      fstype = "xfs"
    }
  }
}
layer "units" {
  on = "lab"
  invariant {
    for_each  = { lab = "its own", lab2 = "the other", none = null }
    because   = each.value == null ? "x" : each.value
    from      = each.key == "none" ? null : each.key
    condition = fact.cpus > 1
  }
}
`

// An invariant of one host that is observed on another keeps its address, is for that host's platform, and meets what the layers
// want there.
func TestFrom(t *testing.T) {
	p := load(t, strings.Replace(otherEnd, "FROM", "host.lab", 1))
	got := map[string]string{}
	for _, address := range p.Addresses() {
		it, err := p.Find(address)
		if err != nil {
			t.Fatal(err)
		}
		if it.Invariant {
			got[address] = it.From
		}
	}
	want := map[string]string{"switch:relay.invariant[arrives]": "lab", "lab:units.invariant[lab]": "", "lab:units.invariant[lab2]": "lab2", "lab:units.invariant[none]": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	there := resource[*fakeMount](t, p, "lab:storage.mount[/there]")
	seen := resource[*fakeMount](t, p, "switch:relay.invariant[arrives]")
	if len(seen.met) != 2 || seen.met[0] != modules.Resource(there) || seen.met[1] != modules.Resource(seen) {
		t.Errorf("it met %v", seen.met)
	}
	e, err := p.Explain("switch:relay.invariant[arrives]")
	if err != nil || e.From != "lab" {
		t.Errorf("explained as of %q, %v", e.From, err)
	}
}

// What was in sync on one host was not seen on another: the digest is of both.
func TestFromIsPartOfWhatIsWanted(t *testing.T) {
	digest := func(from string) string {
		it, err := load(t, strings.Replace(otherEnd, "FROM", from, 1)).Find("switch:relay.invariant[arrives]")
		if err != nil {
			t.Fatal(err)
		}
		return it.Digest
	}
	if lab, lab2 := digest(`"lab"`), digest(`"lab2"`); lab == lab2 || lab != digest("host.lab") {
		t.Errorf("%s and %s", lab, lab2)
	}
}
