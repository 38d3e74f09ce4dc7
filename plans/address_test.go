package plans

import (
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	cases := []struct {
		text string
		want Address
	}{
		{`biscayne:storage.mount[/srv/solana]`, Address{Host: "biscayne", Layer: "storage", Kind: "mount", Label: "/srv/solana"}},
		{`was-sw01:relay.eos_acl["a b"]`, Address{Host: "was-sw01", Layer: "relay", Kind: "eos_acl", Label: "a b"}},
		{`lab:storage.invariant["agave data is never on ZFS"]`, Address{Host: "lab", Layer: "storage", Kind: "invariant", Label: "agave data is never on ZFS"}},
		{`lab:storage.file["a[1]"]`, Address{Host: "lab", Layer: "storage", Kind: "file", Label: "a[1]"}},
		{`lab:storage.file["a\"b\\\x1b"]`, Address{Host: "lab", Layer: "storage", Kind: "file", Label: "a\"b\\\x1b"}},
		{`lab:leapfrog/wipe.directory[/a.b]`, Address{Host: "lab", Runbook: "leapfrog", Stage: "wipe", Kind: "directory", Label: "/a.b"}},
		{`lab:leapfrog/"let it. [exit]".file[x]`, Address{Host: "lab", Runbook: "leapfrog", Stage: "let it. [exit]", Kind: "file", Label: "x"}},
		{`lab:leapfrog/wipe[a].file[x]`, Address{Host: "lab", Runbook: "leapfrog", Stage: "wipe", Key: "a", HasKey: true, Kind: "file", Label: "x"}},
		{`lab:leapfrog/wipe["a.b c]"].file[x]`, Address{Host: "lab", Runbook: "leapfrog", Stage: "wipe", Key: "a.b c]", HasKey: true, Kind: "file", Label: "x"}},
	}
	for _, c := range cases {
		got, err := ParseAddress(c.text)
		if err != nil || got != c.want {
			t.Errorf("ParseAddress(%s) = %+v, %v, want %+v", c.text, got, err, c.want)
		}
		if s := c.want.String(); s != c.text {
			t.Errorf("String() = %s, want %s", s, c.text)
		}
	}
}

func TestAddressWithoutItsQuotes(t *testing.T) {
	got, err := ParseAddress(`lab:storage.invariant[agave data is never on ZFS]`) // as a shell hands it over
	if err != nil || got.Label != "agave data is never on ZFS" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAddressFaults(t *testing.T) {
	for _, s := range []string{
		"", ":", "lab", "lab:", "lab:storage", "lab:storage.mount", "lab:storage.mount[", "lab:storage.mount[]", "lab:storage.mount[x", ":storage.mount[x]",
		"lab:.mount[x]", "lab:storage.[x]", "lab:r/.file[x]", "lab:/s.file[x]", `lab:r/"s.file[x]`, "lab:r/s[.file[x]", "la b:storage.mount[x]", "lab:storage.mo unt[x]",
	} {
		if a, err := ParseAddress(s); err == nil {
			t.Errorf("ParseAddress(%q) = %+v, want an error", s, a)
		}
	}
	if _, err := ParseAddress("lab:storge.mount[x]"); err == nil || !strings.Contains(err.Error(), `Did you mean "storage"?`) {
		t.Errorf("got %v, want a suggestion of the layer", err)
	}
}

func TestFind(t *testing.T) {
	p := load(t, `
layer "storage" {
  on = "lab"
  mount "/srv/solana" {
    source = "/dev/a"
    fstype = "xfs"
  }
  invariant "never ZFS" {
    because = "x"
    condition = true
  }
}
`)
	for _, a := range []string{"lab:storage.mount[/srv/solana]", `lab:storage.mount["/srv/solana"]`, "lab:storage.invariant[never ZFS]"} {
		if _, err := p.Find(a); err != nil {
			t.Errorf("Find(%s): %v", a, err)
		}
	}
	if _, err := p.Find("lab:storage.mount[/srv/solan]"); err == nil || !strings.Contains(err.Error(), "did you mean lab:storage.mount[/srv/solana]?") {
		t.Errorf("got %v, want a suggestion", err)
	}
	if _, err := p.Find("other:agave.kube_deployment[nowhere-near-anything]"); err == nil || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("got %v, want no suggestion", err)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("lab:storage.mount[/srv/solana]")
	f.Add(`lab:leapfrog/"let it exit"["k]"].file["a\"b"]`)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String())
		if err != nil || again != a {
			t.Errorf("%q is %+v, and its String %s is %+v, %v", s, a, a, again, err)
		}
	})
}
