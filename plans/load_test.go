package plans

import (
	"testing"

	"bisc/internal/source"
	"bisc/inventory"
)

const labInventory = `
host "lab" {
  platform = "linux"
  address  = "192.0.2.1"
  data = {
    zvol = "tank/solana"
    size = "4T"
    disks = { a = "/dev/a", b = "/dev/b" }
  }
}
host "lab2" {
  platform = "linux"
  address  = "192.0.2.2"
  data = { zvol = "tank2/solana" }
}
host "switch" {
  platform = "eos"
  address  = "192.0.2.3"
}
host "jump" {
  platform  = "linux"
  address   = "192.0.2.4"
  jump_only = true
}
`

func testInventory(t testing.TB) *inventory.Inventory {
	t.Helper()
	inv, diags := inventory.Load(source.File{Name: "inventory/lab.hcl", Text: []byte(labInventory)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return inv
}

// load loads one file and fails the test on any diagnostic.
func load(t testing.TB, text string) *Plan {
	t.Helper()
	p, diags := Load(Options{
		Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry(),
		Env: func(string) (string, bool) { return "", false },
	})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return p
}

func TestLoadSimple(t *testing.T) {
	p := load(t, `
variable "fs" {
  default = "xfs"
}
locals {
  device = "/dev/zvol/${host.lab.zvol}"
}
layer "units" {
  on = host.lab
  file "/etc/x" {
    content = "a"
    mode = "0600"
  }
}
layer "storage" {
  on = ["lab", host.lab2]
  assumes = []
  mount "/srv/solana" {
    source = "/dev/zvol/${self.zvol}"
    fstype = var.fs
    size = "600GiB"
  }
  mount {
    for_each = { a = "/dev/a", b = "/dev/b" }
    label = "/srv/${each.key}"
    source = each.value
    fstype = "ext4"
  }
  invariant "never zfs" {
    because = "it hangs"
    mount "/srv/solana" {
      source = local.device
      fstype = "xfs"
    }
  }
  invariant "kernel is new" {
    because = "io_uring"
    condition = startswith(fact.kernel.release, "6.")
  }
}
runbook "leapfrog" {
  layer = "agave"
  because = "snapshots are old"
  stage "let it exit" {
    on = "lab"
    file "/run/stop" {}
  }
}
`)
	var got []string
	for _, st := range p.Stages {
		for _, it := range st.Items {
			got = append(got, it.Address)
		}
	}
	for _, a := range got {
		t.Log(a)
	}
	for _, st := range p.Runbooks["leapfrog"].Stages {
		for _, it := range st.Items {
			t.Log(it.Address)
		}
	}
	if len(got) != 11 {
		t.Errorf("got %d items", len(got))
	}
}
