package plans

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

func conditionOf(t *testing.T, condition string) modules.Resource {
	t.Helper()
	p := load(t, `
variable "min" {
  default = 4
}
variable "token" {
  default   = "hunter2"
  sensitive = true
}
layer "units" {
  on = "lab"
  invariant "c" {
    because   = "b"
    condition = `+condition+`
  }
}
`)
	it, err := p.Find("lab:units.invariant[c]")
	if err != nil {
		t.Fatal(err)
	}
	if !it.Invariant || it.Because != "b" || it.Where != "x.bisc.hcl:11" {
		t.Errorf("item %+v", it)
	}
	return it.Resource
}

func fakeFacts() *hosttest.Fake {
	f := hosttest.New("lab")
	f.Files["/sys/devices/system/cpu/online"] = "0-1\n"
	f.Files["/proc/sys/kernel/osrelease"] = "6.1.0-44-cloud-amd64\n"
	f.Files["/proc/cmdline"] = "root=/dev/sda1\n"
	f.Files["/proc/modules"] = "xfs 1 0 - Live 0x0\nbrd 1 0 - Live 0x0\n"
	f.Files["/proc/1/mountinfo"] = "22 1 0:20 / / rw - ext4 /dev/sda1 rw\n30 22 1:0 / /srv rw,noatime - xfs /dev/ram0 rw\n"
	return f
}

func TestConditionHolds(t *testing.T) {
	for _, c := range []string{
		"fact.cpus == 2", `startswith(fact.kernel.release, "6.")`, `contains(fact.modules, "brd")`, "var.min == 4", "true", `"${fact.cpus}x" == "2x"`,
		`alltrue([for m in fact.mounts : m.fstype != "zfs" if startswith(m.target, "/srv")])`,
	} {
		change, err := conditionOf(t, c).Plan(t.Context(), fakeFacts())
		if err != nil || !change.InSync() {
			t.Errorf("%s: %+v, %v", c, change, err)
		}
	}
}

func TestConditionFails(t *testing.T) {
	change, err := conditionOf(t, `(fact.cpus >= var.min &&
      var.token == "x")`).Plan(t.Context(), fakeFacts())
	if err != nil {
		t.Fatal(err)
	}
	want := []modules.Diff{{
		Attr: "condition", Got: "fact.cpus = 2, var.min = 4, var.token = (sensitive)", Want: `(fact.cpus >= var.min && var.token == "x")`,
		Why: "an invariant is checked, never repaired",
	}}
	if diff := cmp.Diff(want, change.Diffs); diff != "" || len(change.Steps) > 0 {
		t.Errorf("(-want +got):\n%s\nsteps %v", diff, change.Steps)
	}
}

// What cannot be evaluated is unknown, never false and never true.
func TestConditionUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		condition string
		spoil     func(*hosttest.Fake)
	}{
		"a fact cannot be read": {"fact.cpus == 2", func(f *hosttest.Fake) { f.Errors["read /sys/devices/system/cpu/online"] = host.ErrStuck }},
		"a fact's file is gone": {"fact.cpus != 2", func(f *hosttest.Fake) {
			delete(f.Files, "/sys/devices/system/cpu/online")
			f.Missing["/sys/devices/system/cpu/online"] = true
		}},
		"no such element":    {`fact.modules[7] == "x"`, func(*hosttest.Fake) {}},
		"the result is null": {"fact.cpus == 2 ? null : true", func(*hosttest.Fake) {}},
	} {
		f := fakeFacts()
		c.spoil(f)
		change, err := conditionOf(t, c.condition).Plan(t.Context(), f)
		if err == nil {
			t.Errorf("%s: got %+v, want an error", name, change)
		}
	}
}

func TestConditionAsksOnlyForItsFacts(t *testing.T) {
	f := fakeFacts()
	if _, err := conditionOf(t, `fact.cpus == 2 && fact.modules != []`).Plan(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if log := f.Log(); len(log) != 2 {
		t.Errorf("asked %v, want two questions", log)
	}
}
