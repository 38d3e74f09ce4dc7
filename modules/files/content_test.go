package files

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules/kindtest"
)

func plain(content string) Found {
	return Found{Exists: true, Stat: host.Stat{Type: host.Regular, Mode: 0o644}, Content: []byte(content), Parent: host.Directory}
}

func with(f Found, change func(*Found)) Found { change(&f); return f }

func TestWantedChange(t *testing.T) {
	want := Wanted{Path: "/etc/x", Content: []byte("one\ntwo\n"), Mode: 0o644}
	for name, tt := range map[string]struct {
		found Found
		want  string
	}{
		"in sync": {plain("one\ntwo\n"), "in sync\n"},
		"missing": {Found{Parent: host.Directory}, `now content: (none) -> 8 bytes, 2 lines, sha256:c3f9c8c283a2
    | --- /etc/x (host)
    | +++ /etc/x (plan)
    | @@ -0,0 +1,2 @@
    | +one
    | +two
step: put /etc/x (8 bytes, sha256:c3f9c8c283a2, mode 0644, owner 0:0)
`},
		"empty is not missing": {plain(""), `now content: 0 bytes, sha256:e3b0c44298fc -> 8 bytes, 2 lines, sha256:c3f9c8c283a2
    | --- /etc/x (host)
    | +++ /etc/x (plan)
    | @@ -0,0 +1,2 @@
    | +one
    | +two
step: put /etc/x (8 bytes, sha256:c3f9c8c283a2, mode 0644, owner 0:0)
`},
		"mode and owner": {with(plain("one\ntwo\n"), func(f *Found) { f.Stat.Mode, f.Stat.UID, f.Stat.GID = 0o4755, 7, 8 }), `now mode: 4755 -> 0644
now owner: 7 -> 0
now group: 8 -> 0
step: put /etc/x (8 bytes, sha256:c3f9c8c283a2, mode 0644, owner 0:0)
`},
		"link": {with(plain("one\ntwo\n"), func(f *Found) { f.Stat.Link = "/dev/shm/y" }), `now content: link to /dev/shm/y -> 8 bytes, 2 lines
    why: /etc/x is a symbolic link to /dev/shm/y: bisc writes through no link; name the file itself or remove the link
`},
		"dangling link": {with(plain(""), func(f *Found) { f.Stat.Type, f.Stat.Link = host.Dangling, "gone" }), `now content: link to gone -> 8 bytes, 2 lines
    why: /etc/x is a symbolic link to gone: bisc writes through no link; name the file itself or remove the link
`},
		"folder": {with(plain(""), func(f *Found) { f.Stat.Type = host.Directory }), `now content: directory -> 8 bytes, 2 lines
    why: /etc/x is a directory: bisc replaces only plain files
`},
		"no folder above": {Found{}, `now content: (none) -> 8 bytes, 2 lines
    why: the folder /etc is not there: create it with a directory block, or mount what should hold it
`},
		"file above": {Found{Parent: host.Regular}, `now content: (none) -> 8 bytes, 2 lines
    why: /etc is a file, not a folder
`},
		"binary": {plain("\x00\x01"), `now content: 2 bytes, sha256:b413f47d13ee -> 8 bytes, 2 lines, sha256:c3f9c8c283a2
step: put /etc/x (8 bytes, sha256:c3f9c8c283a2, mode 0644, owner 0:0)
`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kindtest.Print(want.Change(tt.found)); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// What the plan saw goes into the put, so that a file written in between is not lost.
func TestPutCarriesWhatWasSeen(t *testing.T) {
	want := Wanted{Path: "/etc/x", Content: []byte("new"), Mode: 0o644}
	for name, tt := range map[string]struct {
		found Found
		was   string
	}{
		"absent":  {Found{Parent: host.Directory}, host.Absent},
		"empty":   {with(plain(""), func(f *Found) { f.Content = nil }), host.ContentDigest([]byte{})},
		"content": {plain("old"), host.ContentDigest([]byte("old"))},
	} {
		t.Run(name, func(t *testing.T) {
			if got := want.Change(tt.found).Steps[0].(host.Put).Was; got != tt.was {
				t.Errorf("was %q, want %q", got, tt.was)
			}
		})
	}
}

func TestSecretIsNowhere(t *testing.T) {
	want := Wanted{Path: "/etc/x", Content: []byte("hunter2\n"), Secret: true, Mode: 0o600,
		DigestKeyed: func(b []byte) string { return "keyed" + string('0'+rune(len(b))) }}
	text := kindtest.Print(want.Change(plain("hunter1, the old one\n")))
	if strings.Contains(text, "hunter") || strings.Contains(text, "sha256") {
		t.Errorf("the secret or a guessable digest shows:\n%s", text)
	}
	if !strings.Contains(text, "content: keyed") {
		t.Errorf("no keyed digests:\n%s", text)
	}
}

func TestRemoval(t *testing.T) {
	for name, tt := range map[string]struct {
		found Found
		want  string
	}{
		"not there": {Found{Parent: host.Directory}, "in sync\n"},
		"there": {plain("one\n"), `now absent: 4 bytes, 1 line -> (none)
step: remove /etc/x  [guards: file unchanged]
destroys: the file /etc/x (4 bytes, 1 line)
`},
		"link": {with(plain("one\n"), func(f *Found) { f.Stat.Link = "y" }), `now absent: link to y -> (none)
    why: bisc removes only plain files
`},
		"folder": {with(plain(""), func(f *Found) { f.Stat.Type = host.Directory }), `now absent: directory -> (none)
    why: bisc removes only plain files
`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kindtest.Print(Removal("/etc/x", tt.found)); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestTextDiffStaysReadable(t *testing.T) {
	long := strings.Repeat("line\n", 3*diffLines)
	d := TextDiff("content", "/x", nil, []byte(long))
	if n := strings.Count(d.Text, "\n"); n != diffLines+1 || !strings.Contains(d.Text, "more lines") {
		t.Errorf("%d lines, want %d and a word on the rest", n, diffLines)
	}
	if d := TextDiff("content", "/x", nil, []byte(strings.Repeat("line\n", diffBytes))); d.Text != "" {
		t.Error("a large file has a text diff")
	}
}
