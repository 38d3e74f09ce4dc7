package relay

import (
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
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
		p.flash, p.free = true, 1<<30
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
		"flash, nor its folder: the writer makes it": {p: installed(onFlash("ext4"), none), want: "now program: (none) -> sha256:0123456789ab (linux/amd64)\n" + flash},
		"flash is full": {p: installed(onFlash("ext4"), other, func(p *program) { p.free = 208 << 20 }),
			want: "now program: sha256:fedcba987654 -> sha256:0123456789ab (linux/amd64)\n    why: flash has 208 MiB free: with the program less than the 200 MiB would be left that the switch's own saves need (1 MiB lack); remove an old image from flash:\n"},
		"flash is full, and the program there": {p: installed(onFlash("ext4"), func(p *program) { p.free = 0 }), want: "in sync\n"},
		"flash, mode":                          {p: installed(onFlash("ext4"), func(p *program) { p.stat.Mode = 0o600 }), want: "now mode: 0600 -> 0755\nstep: run chmod 0755 -- /mnt/flash/bisc/shredunwrap\n"},
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

// TestImage: the build is for the switch's image, not for its kernel alone; what is not known is no answer.
func TestImage(t *testing.T) {
	for name, tt := range map[string]struct{ kernel, said, want, fails string }{
		"64 bit":            {"x86_64", `{"architecture":"x86_64"}`, "x86_64", ""},
		"32 on 64 bit":      {"x86_64", `{"architecture":"i686"}`, "i686", ""},
		"an older release":  {"i686", `{"architecture":"i386"}`, "i686", ""},
		"64 on 32 bit":      {"i686", `{"architecture":"x86_64"}`, "", "not known"},
		"another form":      {"x86_64", `{"modelName":"x"}`, "", "form"},
		"what is no answer": {"x86_64", `nothing`, "", "JSON"},
	} {
		h := hosttest.New("sw")
		h.Shows = map[string]string{"show version | json": tt.said}
		got, err := imageOf(t.Context(), h, tt.kernel)
		if got != tt.want {
			t.Errorf("%s: %q", name, got)
		}
		wantError(t, name, err, tt.fails)
	}
}

func TestFreeOnFlash(t *testing.T) {
	for name, tt := range map[string]struct {
		said  string
		exit  int
		want  int64
		fails string
	}{
		"plain":     {"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 3900000 1800000 2100000 47% /mnt/flash\n", 0, 2100000 << 10, ""},
		"failed":    {"", 1, 0, "exit status 1"},
		"two":       {"h\n/dev/a 1 1 1 1% /\n/dev/b 1 1 1 1% /\n", 0, 0, "df"},
		"no number": {"h\n/dev/a 1 1 x 1% /\n", 0, 0, "df says"},
	} {
		h := hosttest.New("sw").Answer(tt.exit, tt.said, "df", "-P", "-k", "--", "/mnt/flash")
		got, err := freeOn(t.Context(), h, "/mnt/flash")
		if got != tt.want {
			t.Errorf("%s: %d", name, got)
		}
		wantError(t, name, err, tt.fails)
	}
}
