package plans

import (
	"strings"
	"testing"

	"bisc/internal/source"
)

const digested = `
variable "min" {
  default = 1
}
layer "units" {
  on = "lab"
  # a comment
  file "/a" {
    content = "x"
    env = { A = "1", B = "2" }
  }
  file "/s" {
    content = sensitive("hunter2")
  }
  invariant "c" {
    because = "b"
    condition = fact.cpus > var.min
  }
}
`

func TestDigests(t *testing.T) {
	at := func(p *Plan, address string) string {
		it, err := p.Find(address)
		if err != nil {
			t.Fatal(err)
		}
		return it.Digest
	}
	change := func(old, new string) *Plan { return load(t, strings.Replace(digested, old, new, 1)) }
	base := load(t, digested)
	for _, c := range []struct{ name, old, new, address string }{
		{"content", `"x"`, `"y"`, "lab:units.file[/a]"},
		{"a map's value", `A = "1"`, `A = "2"`, "lab:units.file[/a]"},
		{"a secret", "hunter2", "hunter3", "lab:units.file[/s]"},
		{"a variable in a condition", "default = 1", "default = 2", "lab:units.invariant[c]"},
	} {
		p := change(c.old, c.new)
		if at(p, c.address) == at(base, c.address) || p.Digest == base.Digest {
			t.Errorf("%s: the digest is the same", c.name)
		}
	}
	for _, c := range []struct{ name, old, new string }{
		{"a comment", "# a comment", "# another\n\n"},
		{"spaces", `content = "x"`, "content  =  \"x\""},
		{"another way to say it", `"x"`, `lower("X")`},
		{"the order of attributes", "content = \"x\"\n    env = { A = \"1\", B = \"2\" }", "env = { B = \"2\", A = \"1\" }\n    content = \"x\""},
	} {
		if p := change(c.old, c.new); p.Digest != base.Digest || at(p, "lab:units.file[/a]") != at(base, "lab:units.file[/a]") {
			t.Errorf("%s: the digest is another", c.name)
		}
	}
}

func TestDigestOfASecretIsKeyed(t *testing.T) {
	digest := func(key string) string {
		p, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(digested)}}, Inventory: testInventory(t), Registry: testRegistry(), DigestKey: []byte(key)})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		it, err := p.Find("lab:units.file[/s]")
		if err != nil {
			t.Fatal(err)
		}
		return it.Digest
	}
	if digest("a") == digest("b") || digest("a") != digest("a") {
		t.Error("the digest of a secret must depend on the key, and on nothing else")
	}
}
