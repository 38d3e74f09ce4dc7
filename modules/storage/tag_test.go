package storage

import (
	"testing"

	"bisc/modules"
)

func TestTagPath(t *testing.T) {
	for source, want := range map[string]string{
		"UUID=1a-2b":    "/dev/disk/by-uuid/1a-2b",
		`LABEL="a b/c"`: `/dev/disk/by-label/a\x20b\x2fc`,
		"PARTUUID=x-1":  "/dev/disk/by-partuuid/x-1",
		"LABEL=\u00fc":  "/dev/disk/by-label/\u00fc",
		"/dev/sda1":     "",
		"UUID":          "/dev/disk/by-uuid/",
		"nfs:/a=b":      "",
		"/dev/UUID=1":   "",
	} {
		if got, ok := TagPath(source); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", source, got, ok)
		}
	}
}

// A tag and the link that it stands for are one source, and 1777 is a tmpfs' mode without a word.
func TestSameLineInOtherWords(t *testing.T) {
	p := (&Mount{Target: "/a", Source: "/dev/disk/by-uuid/1a", FSType: "xfs", Options: []string{"defaults"}}).point()
	for line, differs := range map[string]bool{
		"UUID=1a /a xfs nofail 0 0": false, "UUID=1b /a xfs nofail 0 0": true, "/dev/disk/by-uuid/1a /a xfs defaults,nofail 0 0": false,
	} {
		if got := p.compare(&modules.Change{}, ParseFstab([]byte(line))[0]); got != differs {
			t.Errorf("%s: differs %v, want %v", line, got, differs)
		}
	}
	tmpfs := (&Tmpfs{Target: "/a", Size: 1 << 40, Mode: 0o1777}).point()
	for line, differs := range map[string]bool{"tmpfs /a tmpfs size=1024G,nofail 0 0": false, "tmpfs /a tmpfs size=1T,mode=0755,nofail 0 0": true} {
		if got := tmpfs.compare(&modules.Change{}, ParseFstab([]byte(line))[0]); got != differs {
			t.Errorf("%s: differs %v, want %v", line, got, differs)
		}
	}
}
