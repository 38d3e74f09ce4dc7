package view

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
)

var began = time.Date(2026, 8, 1, 14, 2, 11, 0, time.UTC)

// stage and outcome make reports short to write.
func stage(l layers.Layer, name string) *layers.Stage {
	return &layers.Stage{Layer: l, Name: name, Host: "biscayne"}
}

func outcome(st *layers.Stage, state layers.State, kind, label string, line int) layers.Outcome {
	return layers.Outcome{Stage: st, State: state, Took: 12 * time.Millisecond, Item: layers.Item{
		Address: fmt.Sprintf("%s:%s.%s[%s]", st.Host, st.Name, kind, label), Kind: kind,
		Where: fmt.Sprintf("%s.bisc.hcl:%d", st.Layer, line), Digest: "d-" + label}}
}

func report(outs ...layers.Outcome) layers.Report {
	return layers.Report{{Host: "biscayne", Identity: layers.Identity{MachineID: "m1", BootID: "b1", HostKey: "SHA256:k"}, Outcomes: outs}}
}

var (
	storage = stage(layers.Storage, "storage")
	units   = stage(layers.Units, "units")
)

func mount() layers.Outcome {
	o := outcome(storage, layers.Drifted, "mount", "/srv/solana", 7)
	o.Change.Differ("source", "", "/dev/zvol/tank/solana")
	o.Change.Diffs = append(o.Change.Diffs, modules.Diff{Attr: "fstab line lacks x-systemd.requires=zfs-mount.service", Boot: true})
	o.Change.Do(
		host.Edit{Path: "/etc/fstab", Drop: []string{"/dev/old /srv/solana xfs defaults 0 0"},
			Add:    []string{"/dev/zvol/tank/solana /srv/solana xfs nofail,x-systemd.requires=zfs-mount.service 0 0"},
			Verify: []string{"findmnt", "--verify", "--tab-file", "{path}"}},
		host.Job{Verb: "reload", Unit: "systemd"},
		host.Script{Argv: []string{"mount", "-t", "xfs", "/dev/zvol/tank/solana", "/srv/solana"}, Guards: []host.Guard{{Name: "device unused", Text: "exit 0\n", Args: []string{"/dev/zd0"}}}})
	return o
}

func file() layers.Outcome {
	o := outcome(units, layers.Drifted, "file", "/etc/motd", 20)
	o.Change.Diffs = []modules.Diff{{Attr: "content", Got: "sha256:aaaa (12 bytes)", Want: "sha256:bbbb (14 bytes)",
		Text: "--- /etc/motd\n+++ /etc/motd\n@@ -1,2 +1,2 @@\n hello\n-old\n+new\tworld\n"}}
	o.Change.Do(host.Put{Path: "/etc/motd", Content: []byte("hello\nnew\tworld\n"), Mode: 0o644, Was: "aaaa"})
	return o
}

func secretFile() layers.Outcome {
	o := outcome(units, layers.Drifted, "file", "/etc/token", 24)
	o.Change.Differ("content", "secret:0123", "secret:4567")
	o.Change.Do(host.Put{Path: "/etc/token", Content: []byte(canary), Mode: 0o600, Secret: true},
		host.Script{Argv: []string{"chpasswd"}, Stdin: []byte(canary), Secret: true})
	return o
}

// canary is a secret; it is nowhere in what is written.
const canary = "hunter2-canary"

func wipe(state layers.State, device string) layers.Outcome {
	o := outcome(storage, state, "filesystem", device, 12)
	o.Change.Differ("type", "ext4", "xfs")
	o.Change.Do(host.Script{Argv: []string{"mkfs.xfs", "-f", device}})
	o.Change.Destroy("the ext4 file system on " + device + ", label accounts")
	if state == layers.Blocked {
		o.Reason = "it destroys something: name it to permit that: --destroy '" + o.Item.Address + "'"
	}
	return o
}

func ramdisk() layers.Outcome {
	o := outcome(storage, layers.Drifted, "ramdisk", "/dev/ram0", 10)
	o.Change.Refuse("size", "300GiB", "600GiB", "brd cannot grow while it is in use; it takes the size at the next boot")
	return o
}

func invariant(state layers.State) layers.Outcome {
	o := outcome(storage, state, "invariant", `"agave data is never on ZFS"`, 30)
	o.Item.Invariant, o.Item.Because = true, "io_uring on ZFS leaves threads that nothing can kill"
	if state != layers.InSync {
		o.Change.Differ("fstype", "zfs", "xfs")
	}
	if state == layers.Blocked {
		o.Reason = "does not hold, and nothing in this round mends it"
	}
	return o
}

func with(o layers.Outcome, f func(*layers.Outcome)) layers.Outcome {
	f(&o)
	return o
}

// everything has an item of each class.
func everything() layers.Report {
	gone := func(o *layers.Outcome) {
		o.Err = fmt.Errorf("asking findmnt: %w", host.ErrStuck)
	}
	rep := report(
		outcome(storage, layers.InSync, "zvol", "tank/solana", 3),
		mount(), ramdisk(), wipe(layers.Blocked, "/dev/ram0"), wipe(layers.Drifted, "/dev/ram1"), invariant(layers.Blocked),
		file(),
		with(outcome(units, layers.Unknown, "mount", "/srv/kind/solana", 14), gone),
		with(outcome(units, layers.Held, "service", "docker.service", 40), func(o *layers.Outcome) {
			o.Change.Differ("active", "inactive", "active")
			o.Reason = "held by alice since 2026-08-01T10:00:00Z: testing the ramdisk"
		}),
		with(outcome(units, layers.NotReached, "unit", "x.service", 44), func(o *layers.Outcome) {
			o.Change.Differ("content", "old", "new")
			o.Change.Do(host.Job{Verb: "start", Unit: "x.service"})
			o.Reason = "it comes after biscayne:units.mount[/srv/kind/solana], which is unknown"
		}),
		with(outcome(units, layers.Blocked, "sysctl", "vm.swappiness", 50), func(o *layers.Outcome) {
			o.Change.Differ("value", "60", "1")
			o.Change.DifferBoot("value", "60", "1")
			o.Change.Do(host.Script{Argv: []string{"sysctl", "-w", "vm.swappiness=1"}})
			o.Reason = `gate: biscayne:storage.invariant["agave data is never on ZFS"] does not hold`
		}),
	)
	rep[0].Holds = []layers.Hold{{Match: "units.service[docker.service]", Who: "alice", Because: "testing the ramdisk", Since: began}}
	return rep
}

// applied is what a round may leave.
func applied() layers.Report {
	return report(
		with(mount(), func(o *layers.Outcome) { o.State = layers.Changed }),
		with(ramdisk(), func(o *layers.Outcome) {
			o.State, o.Left, o.Change = layers.InSync, o.Change.Diffs, modules.Change{}
		}),
		with(wipe(layers.Drifted, "/dev/ram0"), func(o *layers.Outcome) {
			o.State, o.Reason = layers.Stale, "type was ext4 and is now swap"
		}),
		with(file(), func(o *layers.Outcome) {
			o.State = layers.Failed
			o.Err = errors.New("put /etc/motd: no space left on device\nthe old file is still there")
		}),
		with(outcome(units, layers.NotReached, "unit", "x.service", 44), func(o *layers.Outcome) {
			o.Reason = "it comes after biscayne:units.file[/etc/motd], which is failed"
		}),
	)
}

// hostile puts the worst into every field that a host or a plan fills.
func hostile() layers.Report {
	evil := "\x1b[2J\x1b]0;owned\x07\r\n  + biscayne:storage.zvol[x]   all is well\u202e\u2066\xff\u200b\u0085$(reboot)`id`%s{{ }}"
	st := stage(layers.Storage, evil)
	o := outcome(st, layers.Blocked, "mount", "'; rm -rf / #"+evil, 1)
	o.Item.Because, o.Item.Where = evil, evil+":1"
	o.Change.Diffs = []modules.Diff{{Attr: evil, Got: evil, Want: strings.Repeat("A", 5000), Text: evil + "\n" + evil},
		{Attr: evil, Got: evil, Want: evil, Why: evil, Boot: true}}
	o.Change.Do(host.Script{Argv: []string{"echo", evil}, Stdin: []byte(evil)}, host.Put{Path: evil, Content: []byte(evil)},
		host.Edit{Path: evil, Drop: []string{evil}, Add: []string{evil}, Guards: []host.Guard{{Name: "g", Text: evil, Args: []string{evil}}}},
		host.Configure{Lines: []string{evil, "exit"}, Text: evil}, host.CLI{Command: evil})
	o.Change.Destroy(evil)
	o.Reason = evil + " --destroy "
	u := outcome(st, layers.Unknown, "zvol", evil, 2)
	u.Err = errors.New(evil)
	f := outcome(st, layers.Failed, "zvol", evil+"2", 3)
	f.Err = errors.New(evil)
	rep := report(o, u, f)
	rep[0].Host = evil
	return append(rep, layers.HostReport{Host: evil, Err: errors.New(evil)})
}
