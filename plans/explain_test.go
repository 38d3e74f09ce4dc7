package plans

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/source"
)

const explained = `variable "ramdisk" {
  default = "600GiB"
}
variable "token" {
  sensitive = true
  default   = "hunter2"
}
locals {
  size   = var.ramdisk
  device = "/dev/${self_name}/${host.lab.zvol}"
}
layer "storage" {
  on = "lab"
  mount "/srv" {
    source  = local.device
    fstype  = self.size == "4T" ? "xfs" : "ext4"
    size    = local.size
  }
  invariant "kept" {
    because = "it must"
    mount "/srv" {
      source = "/dev/x"
      fstype = "xfs"
    }
  }
}
layer "units" {
  on      = "lab"
  assumes = []
  file {
    for_each = host.lab.disks
    label    = "/disk/${each.key}"
    content  = "${each.value} ${var.token} ${env("HOME2")}"
  }
  invariant "new" {
    because   = "old kernels hang"
    condition = fact.cpus > length(local.size)
  }
}
runbook "stop" {
  layer   = "agave"
  because = "maintenance"
  stage "touch it" {
    on = "lab"
    file "/run/x" {}
  }
}
`

func explainedPlan(t *testing.T) *Plan {
	t.Helper()
	p, diags := Load(Options{
		Files:     []source.File{{Name: "x.bisc.hcl", Text: []byte(strings.Replace(explained, "${self_name}", "zvol", 1))}},
		Inventory: testInventory(t), Registry: testRegistry(), Vars: map[string]string{"ramdisk": "1GiB"},
		Env: func(n string) (string, bool) { return "/root", n == "HOME2" },
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// text is an explanation as the command might show it.
func text(e Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s[%s] invariant=%t because=%q assumes=%v\n", e.Address, e.Where, e.Kind, e.Label, e.Invariant, e.Because, e.Assumes)
	fmt.Fprintf(&b, "checks %q losses %d owns %q\n", e.Checks, len(e.Losses), e.Owns)
	if e.Condition != "" {
		fmt.Fprintf(&b, "condition %s\n", e.Condition)
		origins(&b, e.Origins)
	}
	for _, a := range e.Attributes {
		if a.Where == "" {
			continue
		}
		fmt.Fprintf(&b, "%s = %s (%s)\n", a.Name, a.Value, a.Where)
		origins(&b, a.Origins)
	}
	return b.String()
}

func origins(b *strings.Builder, list []Origin) {
	for _, o := range list {
		fmt.Fprintf(b, "  %s%s = %s <- %s\n", strings.Repeat("  ", o.Depth), o.Name, o.Value, o.From)
	}
}

func TestExplain(t *testing.T) {
	p := explainedPlan(t)
	for address, want := range map[string]string{
		"lab:storage.mount[/srv]": `lab:storage.mount[/srv] x.bisc.hcl:14 mount[/srv] invariant=false because="" assumes=[]
checks ["now: the visible mount at the mount point" "after boot: the line of fstab"] losses 1 owns ["fstab:/srv"]
source = "/dev/zvol/tank/solana" (x.bisc.hcl:15)
  local.device = "/dev/zvol/tank/solana" <- local value at x.bisc.hcl:10
    host.lab.zvol = "tank/solana" <- host data at inventory/lab.hcl:6
fstype = "xfs" (x.bisc.hcl:16)
  self.size = "4T" <- host data at inventory/lab.hcl:7
options = ["defaults"] (default)
size = "1GiB" (x.bisc.hcl:17)
  local.size = "1GiB" <- local value at x.bisc.hcl:9
    var.ramdisk = "1GiB" <- --set
wait = "10s" (default)
passno = 0 (default)
absent = false (default)
`,
		"lab:storage.invariant[kept]": `lab:storage.invariant[kept] x.bisc.hcl:19 mount[/srv] invariant=true because="it must" assumes=[]
checks ["now: the visible mount at the mount point" "after boot: the line of fstab"] losses 0 owns []
source = "/dev/x" (x.bisc.hcl:22)
fstype = "xfs" (x.bisc.hcl:23)
options = ["defaults"] (default)
size = "1GiB" (default)
wait = "10s" (default)
passno = 0 (default)
absent = false (default)
`,
		"lab:units.file[/disk/b]": `lab:units.file[/disk/b] x.bisc.hcl:30 file[/disk/b] invariant=false because="" assumes=[]
checks [] losses 0 owns ["file:/disk/b"]
content = (sensitive) (x.bisc.hcl:33)
  each.value = "/dev/b" <- for_each at x.bisc.hcl:31
    host.lab.disks = { a = "/dev/a", b = "/dev/b" } <- host data at inventory/lab.hcl:8
  var.token = (sensitive) <- default at x.bisc.hcl:6
  env("HOME2") = secret:DIGEST <- env HOME2
mode = "0644" (default)
`,
		"lab:units.invariant[new]": `lab:units.invariant[new] x.bisc.hcl:35 condition[] invariant=true because="old kernels hang" assumes=[]
checks ["fact.cpus"] losses 0 owns []
condition fact.cpus > length(local.size)
  fact.cpus = (not known yet) <- the host, when it is observed
  local.size = "1GiB" <- local value at x.bisc.hcl:9
    var.ramdisk = "1GiB" <- --set
`,
		`lab:stop/"touch it".file[/run/x]`: `lab:stop/"touch it".file[/run/x] x.bisc.hcl:45 file[/run/x] invariant=false because="" assumes=[storage units kind]
checks [] losses 0 owns ["file:/run/x"]
content = "" (default)
mode = "0644" (default)
`,
	} {
		e, err := p.Explain(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		got := text(e)
		if i := strings.Index(got, "secret:"); i >= 0 {
			got = got[:i+len("secret:")] + "DIGEST" + got[i+len("secret:")+12:]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
		if strings.Contains(fmt.Sprintf("%+v", e), "hunter2") {
			t.Errorf("%s: the secret is in the explanation", address)
		}
	}
	if _, err := p.Explain("lab:storage.mount[/srvv]"); err == nil || !strings.Contains(err.Error(), "did you mean lab:storage.mount[/srv]?") {
		t.Errorf("got %v, want a suggestion", err)
	}
}

func TestGraph(t *testing.T) {
	want := `lab  (linux)
  storage  (gated by nothing)
    mount[/srv]  x.bisc.hcl:14
    invariant[kept]  (it must)  x.bisc.hcl:19
  units  (gated by nothing)
    file[/disk/a]  x.bisc.hcl:30
    file[/disk/b]  x.bisc.hcl:30
    invariant[new]  (old kernels hang)  x.bisc.hcl:35
runbook stop  (maintenance)  x.bisc.hcl:40
  lab: "touch it"  (gated by the invariants of storage, units, kind)
    file[/run/x]  x.bisc.hcl:45
`
	if diff := cmp.Diff(want, explainedPlan(t).GraphText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
