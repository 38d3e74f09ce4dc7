package system

import (
	"testing"

	"bisc/modules/confd"
	"bisc/modules/kindtest"
)

func TestKernelModuleDecides(t *testing.T) {
	boot, options := plain("nf_conntrack\n"), plain("options nf_conntrack acct=1 hashsize=262144\n")
	fine := module{loaded: true, parameters: map[string]string{"hashsize": "262144", "acct": "Y"}, atBoot: boot, options: options}
	with := func(change func(*module)) module { m := fine; change(&m); return m }
	for name, tt := range map[string]struct {
		o    module
		want string
	}{
		"in sync": {fine, "in sync\n"},
		"not loaded": {with(func(m *module) { m.loaded = false; m.info = modinfo{known: true, exists: true} }),
			"now loaded: no -> yes\nstep: run modprobe -- nf_conntrack\n"},
		"in the kernel itself": {with(func(m *module) {
			m.loaded = false
			m.info = modinfo{known: true, exists: true, builtIn: true, parameters: []string{"acct", "hashsize"}}
		}), "in sync\n"},
		"no such module": {with(func(m *module) { m.loaded = false; m.info = modinfo{known: true} }),
			"now loaded: no, and modinfo finds no such module for the running kernel -> yes\nstep: run modprobe -- nf_conntrack\n"},
		"other value now": {with(func(m *module) { m.parameters = map[string]string{"hashsize": "65536", "acct": "Y"} }),
			"now options.hashsize: 65536 -> 262144\n    why: it takes effect when the module is loaded next; bisc unloads no module for it\n"},
		"no such option": {with(func(m *module) {
			m.parameters = map[string]string{"acct": "Y"}
			m.info = modinfo{known: true, exists: true, parameters: []string{"acct"}}
		}), "now options.hashsize: (no such option) -> 262144\n    why: modinfo nf_conntrack lists the options that it has; the kernel ignores others\n"},
		"an option that it does not show": {with(func(m *module) {
			m.parameters = map[string]string{"acct": "Y"}
			m.info = modinfo{known: true, exists: true, parameters: []string{"acct", "hashsize"}}
		}), "in sync\n"},
		"not at boot": {with(func(m *module) { m.atBoot = none() }),
			"boot load: (none) -> 13 bytes, 1 line, sha256:9173c5c4cc83\n    | --- /etc/modules-load.d/bisc-nf_conntrack.conf (host)\n    | +++ /etc/modules-load.d/bisc-nf_conntrack.conf (plan)\n    | @@ -0,0 +1,1 @@\n    | +nf_conntrack\nstep: put /etc/modules-load.d/bisc-nf_conntrack.conf (13 bytes, sha256:9173c5c4cc83, mode 0644, owner 0:0)\n"},
		"another file of modprobe.d": {with(func(m *module) {
			m.conf = []confd.File{conf("/etc/modprobe.d/a.conf", "options nf-conntrack hashsize=1", "options other hashsize=2", "options nf_conntrack acct=y"),
				conf("/etc/modprobe.d/bisc-nf_conntrack.conf", "options nf_conntrack hashsize=3"), conf("/etc/modprobe.d/z.conf", "blacklist nf_conntrack", "install nf_conntrack /bin/true", "blacklist other")}
		}), `boot load: options nf-conntrack hashsize=1 -> loaded as written here
    why: /etc/modprobe.d/a.conf sets an option otherwise: remove it there
boot load: blacklist nf_conntrack -> loaded as written here
    why: /etc/modprobe.d/z.conf keeps it from being loaded at boot: remove the line there
boot load: install nf_conntrack /bin/true -> loaded as written here
    why: /etc/modprobe.d/z.conf runs a command in place of loading it: remove the line there
`},
	} {
		t.Run(name, func(t *testing.T) {
			k := KernelModule{Name: "nf_conntrack", Options: map[string]string{"hashsize": "0x40000", "acct": "1"}}
			k.Options["hashsize"] = "262144"
			if got := kindtest.Print(k.decide(tt.o)); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestKernelModuleRemoval(t *testing.T) {
	k := KernelModule{Name: "brd", Absent: true}
	got := kindtest.Print(k.removal(module{loaded: true, atBoot: plain("brd\n"), options: none()}))
	want := `now loaded: yes -> no
boot modules-load.d: 4 bytes, 1 line -> (none)
step: run modprobe -r -- brd  [guards: no validator lives]
step: remove /etc/modules-load.d/bisc-brd.conf  [guards: file unchanged]
destroys: what the kernel module brd holds: its devices and their contents
destroys: the file /etc/modules-load.d/bisc-brd.conf (4 bytes, 1 line)
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := kindtest.Print(k.removal(module{atBoot: none(), options: none()})); got != "in sync\n" {
		t.Errorf("got:\n%s", got)
	}
}

// Options that the plan no longer has go, without being called a loss: the file is bisc's own, and is shown.
func TestOptionsGo(t *testing.T) {
	k := KernelModule{Name: "brd"}
	got := kindtest.Print(k.decide(module{loaded: true, atBoot: plain("brd\n"), options: plain("options brd rd_nr=1\n")}))
	want := "boot options: 20 bytes, 1 line -> (none)\nstep: remove /etc/modprobe.d/bisc-brd.conf  [guards: file unchanged]\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestKernelModuleValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		module KernelModule
		want   string
	}{
		"fine":        {KernelModule{Name: "nf_conntrack", Options: map[string]string{"a": "1"}}, ""},
		"option":      {KernelModule{Name: "-r"}, "not the name"},
		"path":        {KernelModule{Name: "../x"}, "not the name"},
		"two words":   {KernelModule{Name: "x", Options: map[string]string{"a": "1 b=2"}}, "one word"},
		"a new line":  {KernelModule{Name: "x", Options: map[string]string{"a": "1\ninstall"}}, "one word"},
		"absent, set": {KernelModule{Name: "x", Absent: true, Options: map[string]string{"a": "1"}}, "absent:"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tt.module.Validate(), tt.want) })
	}
}
