package relay

import (
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kindtest"
	"bisc/relaybin"
	"bisc/relaybin/builds"
)

const (
	ours   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	theirs = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

var wanted = relaybin.Binary{Binary: builds.Binary{Name: "shredunwrap", Platform: "linux/amd64", SHA256: ours, Size: 9000000}}

// installed is a program that is as it should be.
func installed(change ...func(*program)) program {
	p := program{
		path: "/usr/local/lib/bisc/relay/shredunwrap", machine: "x86_64", exists: true, digest: ours, folder: host.Directory,
		stat: host.Stat{Type: host.Regular, Mode: 0o755}, ground: ground{at: "/", fstype: "ext4"},
	}
	for _, f := range change {
		f(&p)
	}
	return p
}

func onFlash(fstype string) func(*program) {
	return func(p *program) {
		p.path, p.ground = "/mnt/flash/bisc/shredunwrap", ground{at: "/mnt/flash", fstype: fstype}
	}
}

func TestBinaryDecides(t *testing.T) {
	other := func(p *program) { p.digest = theirs }
	gone := func(p *program) { p.exists, p.stat, p.digest = false, host.Stat{}, "" }
	none := func(p *program) { gone(p); p.folder = "" }
	const push = "step: push /usr/local/lib/bisc/relay/shredunwrap (9000000 bytes, sha256:0123456789ab, mode 0755, owner 0:0)\n"
	const flash = "step: push /mnt/flash/bisc/shredunwrap (9000000 bytes, sha256:0123456789ab, mode 0755, owner 0:0)\n"
	for name, tt := range map[string]struct {
		b       Binary
		p       program
		refused error
		want    string
	}{
		"in sync":        {p: installed(), want: "in sync\n"},
		"another":        {p: installed(other), want: "now program: sha256:fedcba987654 -> sha256:0123456789ab (linux/amd64)\n" + push},
		"not there":      {p: installed(gone), want: "now program: (none) -> sha256:0123456789ab (linux/amd64)\n" + push},
		"nor its folder": {p: installed(none), want: "now program: (none) -> sha256:0123456789ab (linux/amd64)\nstep: run mkdir -p -m 0755 -- /usr/local/lib/bisc/relay\n" + push},
		"mode": {p: installed(func(p *program) { p.stat.Mode = 0o4755 }),
			want: "now mode: 4755 -> 0755\nstep: run chmod 0755 -- /usr/local/lib/bisc/relay/shredunwrap\n"},
		"owner": {p: installed(func(p *program) { p.stat.UID = 1000 }),
			want: "now owner: 1000 -> 0\nstep: run chown -h 0:0 -- /usr/local/lib/bisc/relay/shredunwrap\n"},
		"group": {p: installed(func(p *program) { p.stat.GID = 1000 }),
			want: "now group: 1000 -> 0\nstep: run chown -h 0:0 -- /usr/local/lib/bisc/relay/shredunwrap\n"},
		"another, with another mode": {p: installed(other, func(p *program) { p.stat.Mode = 0o700 }),
			want: "now program: sha256:fedcba987654 -> sha256:0123456789ab (linux/amd64)\nnow mode: 0700 -> 0755\n" + push},
		"a link": {p: installed(func(p *program) { p.stat.Link, p.digest = "/tmp/x", "" }),
			want: "now program: link to /tmp/x -> sha256:0123456789ab (linux/amd64)\n    why: /usr/local/lib/bisc/relay/shredunwrap is a symbolic link to /tmp/x: bisc writes through no link; remove it\n"},
		"a folder": {p: installed(func(p *program) { p.stat.Type, p.digest = host.Directory, "" }),
			want: "now program: directory -> sha256:0123456789ab (linux/amd64)\n    why: /usr/local/lib/bisc/relay/shredunwrap is a directory: bisc replaces only plain files\n"},
		"the folder is a file": {p: installed(gone, func(p *program) { p.folder = host.Regular }),
			want: "now program: (none) -> sha256:0123456789ab (linux/amd64)\n    why: /usr/local/lib/bisc/relay is a file, not a folder\n"},
		"noexec": {p: installed(other, func(p *program) { p.ground.noexec = true }),
			want: "now program: sha256:fedcba987654 -> sha256:0123456789ab (linux/amd64)\n    why: the file system at / runs no programs (noexec): remount it, or carry the daemon there otherwise (on EOS as an extension)\n"},
		"no build suits": {p: installed(func(p *program) { p.machine = "riscv64" }), refused: errors.New("there are no builds for it"),
			want: "now machine: riscv64 -> x86_64, i686 or aarch64\n    why: there are no builds for it\n"},
		"flash, in sync": {p: installed(onFlash("ext4")), want: "in sync\n"},
		"flash, another": {p: installed(onFlash("ext4"), other), want: "now program: sha256:fedcba987654 -> sha256:0123456789ab (linux/amd64)\n" + flash},
		"flash, mode":    {p: installed(onFlash("ext4"), func(p *program) { p.stat.Mode = 0o600 }), want: "now mode: 0600 -> 0755\nstep: run chmod 0755 -- /mnt/flash/bisc/shredunwrap\n"},
		"flash keeps no modes": {p: installed(onFlash("vfat"), func(p *program) { p.stat.Mode, p.stat.GID = 0o777, 88 }),
			want: "in sync\n"},
		"absent": {b: Binary{Absent: true}, p: installed(),
			want: "now absent: sha256:0123456789ab -> (none)\nstep: remove /usr/local/lib/bisc/relay/shredunwrap  [guards: file unchanged]\ndestroys: the program /usr/local/lib/bisc/relay/shredunwrap (0 bytes)\n"},
		"absent already": {b: Binary{Absent: true}, p: installed(gone), want: "in sync\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.b.Name, tt.b.Mode = "shredunwrap", 0o755
			c := tt.b.decide(tt.p, wanted, tt.refused)
			if tt.b.Absent {
				c = tt.b.removal(tt.p)
			}
			if got := kindtest.Print(c); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestBinaryValidates(t *testing.T) {
	for name, tt := range map[string]struct {
		b    Binary
		want string
	}{
		"good":           {Binary{Name: "shredmirror", Mode: 0o755, Platform: "linux/386"}, ""},
		"another name":   {Binary{Name: "shredless", Mode: 0o755}, "there is no relay daemon"},
		"a path":         {Binary{Name: "../x", Mode: 0o755}, "there is no relay daemon"},
		"other platform": {Binary{Name: "shredmeter", Mode: 0o755, Platform: "darwin/arm64"}, "platform: "},
		"not executable": {Binary{Name: "shredmeter", Mode: 0o644}, "mode: "},
	} {
		wantError(t, name, tt.b.Validate(), tt.want)
	}
}

func wantError(t *testing.T, name string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want something about %q", name, err, want)
	}
}

func TestMountOf(t *testing.T) {
	const table = `21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 8:2 / /mnt/flash rw,noexec - vfat /dev/sda2 rw
`
	for id, want := range map[int]ground{21: {"/", "ext4", false}, 30: {"/mnt/flash", "vfat", true}} {
		if got, err := mountOf(table, id); err != nil || got != want {
			t.Errorf("%d: %+v, %v", id, got, err)
		}
	}
	if _, err := mountOf(table, 99); err == nil {
		t.Error("a mount that is not there is one")
	}
}

func TestReplay(t *testing.T) {
	kindtest.Replay(t, "testdata/*.txtar", BinaryKind, ServiceKind, FlowKind)
}

var _ = []modules.Resource{&Binary{}, &Service{}, &Flow{}}
