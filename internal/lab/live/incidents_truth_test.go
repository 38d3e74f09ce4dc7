package live

import (
	"strings"
	"testing"

	"bisc/internal/source"
	"bisc/layers"
	"bisc/modules/all"
	"bisc/plans"
)

// 12: "ramdisk ext4 vs fstab xfs: two sources of truth".
func TestIncident12OneDeclarationMakesAndMounts(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t)
	wipe := "umount /srv/solana/ramdisk; mkfs.ext4 -q -F /dev/ram0"
	o.sh(t, wipe)
	if _, err := o.host.Shell(t.Context(), "mount /srv/solana/ramdisk"); err == nil {
		t.Error("the fstab line of then mounts ext4: this is not the incident")
	}
	if rep := o.plan(t, stages, layers.Options{}); !strings.Contains(text(rep), "now fstype") {
		t.Errorf("the plan does not name the file system on the ramdisk:\n%s", text(rep))
	}
	// A plan with two truths says so and does nothing about it.
	two := strings.Replace(validatorStorage, `source  = "/dev/ram0"
    fstype  = "xfs"`, `source  = "/dev/ram0"
    fstype  = "ext4"`, 1)
	stages = o.load(t, two)
	found := false
	for _, out := range o.plan(t, stages, layers.Options{}).Outcomes() {
		for _, d := range out.Change.Diffs {
			found = found || d.Attr == "fstype" && strings.Contains(d.Why, "make them agree")
		}
	}
	if two == validatorStorage || !found {
		t.Error("the plan makes xfs and mounts ext4, and nothing says so")
	}
}

// 14: "fstab options lost: mount module rewrites".
func TestIncident14FstabIsWrittenOnce(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t)
	before := o.sh(t, "cat /etc/fstab")
	o.sh(t, "umount -R /srv/kind/solana; umount /srv/solana/ramdisk")
	o.must(t, stages, layers.Options{}) // a run that had to mount
	if after := o.sh(t, "cat /etc/fstab"); after != before {
		t.Errorf("mounting has changed fstab:\n%s\nbefore:\n%s", after, before)
	}
	for _, want := range []string{
		"x-systemd.requires=zfs-volume-wait.service",
		"noatime,nodiratime,nofail,x-systemd.requires=format-ramdisk.service",
		"rbind,rslave,rshared,nofail,x-systemd.requires=srv-solana-ramdisk.mount",
	} {
		if !strings.Contains(before, want) {
			t.Errorf("fstab lacks %s:\n%s", want, before)
		}
	}
	o.sh(t, `sed -i 's#^/srv/solana /srv/kind/solana .*#/srv/solana /srv/kind/solana none rbind 0 0#' /etc/fstab`) // as the module left it
	o.shows(t, stages, "boot options of bind[/srv/kind/solana]", "boot requires of bind[/srv/kind/solana]",
		"boot boot_critical of bind[/srv/kind/solana]")
	o.must(t, stages, layers.Options{})
	if after := o.sh(t, "cat /etc/fstab"); after != before {
		t.Errorf("the repair gives\n%s\nwant\n%s", after, before)
	}
}

// 15: "migration stuck half way, then zfs destroy -r unguarded".
func TestIncident15DestructionIsNamedAndUnprotected(t *testing.T) {
	t.Parallel()
	o := oneHost(t, program(t))
	o.must(t, o.load(t, "zvol \"tank/data\" {\n  size = \"64MiB\"\n}"), layers.Options{})
	there := func() bool { return o.sh(t, "zfs list -H -o name tank/data 2>/dev/null || true") == "tank/data" }

	gone := o.load(t, "zvol \"tank/data\" {\n  absent = true\n}")
	named := layers.Options{Destroy: addresses(gone)}
	rep := o.plan(t, gone, named)
	o.apply(t, gone, rep, named)
	if !strings.Contains(text(rep), "apply protect = false") || !there() {
		t.Fatalf("a protected volume was destroyed, there: %v\n%s", there(), text(rep))
	}

	gone = o.load(t, "zvol \"tank/data\" {\n  protect = false\n  absent  = true\n}")
	if rep = o.plan(t, gone, named); !strings.Contains(text(rep), "apply protect = false") {
		t.Errorf("protection and volume would go in one round:\n%s", text(rep))
	}
	o.must(t, o.load(t, "zvol \"tank/data\" {\n  size    = \"64MiB\"\n  protect = false\n}"), layers.Options{})
	rep = o.plan(t, gone, layers.Options{})
	o.apply(t, gone, rep, layers.Options{})
	if out := rep.Outcomes()[0]; out.State != layers.Blocked || !strings.Contains(out.Reason, "--destroy") || !there() {
		t.Fatalf("a volume that nobody named: %s, there: %v\n%s", out.State, there(), text(rep))
	}

	// The property is what protects, not only the plan: whoever sets it again after the plan keeps the volume.
	steps := o.stepsOf(t, gone, "zvol[tank/data]")
	o.sh(t, "zfs set bisc:protect=on tank/data")
	o.refused(t, steps, "not protected")
	o.sh(t, "zfs set bisc:protect=off tank/data")
	o.must(t, gone, named)
	if there() {
		t.Error("named and unprotected, it is still there: the test could not fail")
	}
}

// 16: "latent ownership failure: host name solana (20029) vs container UID 1000".
func TestIncident16OwnersAreNumbers(t *testing.T) {
	t.Parallel()
	o, stages := prepared(t)
	o.sh(t, "chown solana:solana /srv/solana/ramdisk/accounts")
	if got := o.sh(t, "stat -c '%U %u' /srv/solana/ramdisk/accounts"); got != "solana 20029" {
		t.Fatalf("the host's solana is %q", got)
	}
	o.shows(t, stages, "now owner of directory[/srv/solana/ramdisk/accounts]", "now group of directory[/srv/solana/ramdisk/accounts]")
	o.must(t, stages, layers.Options{})
	if got := o.sh(t, "stat -c %u:%g /srv/solana/ramdisk/accounts"); got != "1000:1000" {
		t.Errorf("after the repair: %s", got)
	}
	for _, block := range []string{`directory "/srv/x" { owner = "solana" }`, "file \"/srv/x\" {\n  owner = \"solana\"\n}"} {
		_, diags := plans.Load(plans.Options{
			Files:     []source.File{{Name: "x.bisc.hcl", Text: []byte("layer \"storage\" {\n on = \"a\"\n" + block + "\n}\n")}},
			Inventory: o.inventory(t), Registry: all.Registry(), Root: t.TempDir(),
		})
		if !strings.Contains(diags.Error(), "names are refused") {
			t.Errorf("%s: %v, want names refused", block, diags)
		}
	}
}
