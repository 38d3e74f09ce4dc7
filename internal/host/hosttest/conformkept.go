package hosttest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"bisc/internal/host"
)

func (c conformance) remove(t *testing.T) {
	name := c.path("gone")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("x\n"), Mode: 0o600}))
	must(t, c.Do(c.ctx, host.Remove{Path: name}))
	c.absentNow(t, name)
	must(t, c.Do(c.ctx, host.Remove{Path: name})) // none is as good
	if c.Scratch.Shell == nil {
		return
	}
	c.Shell(t, `mkdir "$1/folder"; ln -s folder "$1/link"; echo y >"$1/guarded"`, c.Dir)
	for _, other := range []string{"folder", "link"} {
		if err := c.Do(c.ctx, host.Remove{Path: c.path(other)}); err == nil || !strings.Contains(err.Error(), "not a plain file") {
			t.Errorf("%s: %v", other, err)
		}
	}
	var refused *host.GuardError
	guard := host.Guard{Name: "test", Text: "echo no; exit 10"}
	if err := c.Do(c.ctx, host.Remove{Path: c.path("guarded"), Guards: []host.Guard{guard}}); !errors.As(err, &refused) || refused.Reason != "no" {
		t.Errorf("guarded: %v", err)
	}
	c.is(t, c.path("guarded"), "y\n")
}

func (c conformance) absentNow(t *testing.T, name string) {
	t.Helper()
	if _, err := c.Stat(c.ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", name, err)
	}
}

// kept goes through a file's life: made, replaced, edited, removed. Each step keeps what it met.
func (c conformance) kept(t *testing.T) {
	name := c.path(`odd "name" \ é`)
	ctx := host.WithAddress(c.ctx, `h:units.file["odd \ name"]`)
	must(t, c.Do(ctx, host.Put{Path: name, Content: []byte("one\n"), Mode: 0o640, UID: 12, GID: 34}))
	must(t, c.Do(ctx, host.Put{Path: name, Content: []byte("two\n"), Mode: 0o644, Was: host.ContentDigest([]byte("one\n"))}))
	must(t, c.Do(ctx, host.Edit{Path: name, Drop: []string{"two"}, Add: []string{"three"}}))
	must(t, c.Do(ctx, host.Remove{Path: name}))
	kept, err := host.ReadKept(c.ctx, c, name)
	must(t, err)
	if len(kept) != 4 || !kept[0].Absent {
		t.Fatalf("kept %+v", kept)
	}
	for i, want := range []string{"", "one\n", "two\n", "three\n"} {
		k := kept[i]
		if k.Path != name || k.Address != host.AddressOf(ctx) || k.Run == "" || k.At.IsZero() {
			t.Errorf("version %d: %+v", i, k)
		}
		if k.Absent {
			continue
		}
		c.is(t, k.Copy, want)
		if k.Digest != host.ContentDigest([]byte(want)) || k.Size != int64(len(want)) {
			t.Errorf("version %d: %+v", i, k)
		}
	}
	if k := kept[1]; k.Mode != 0o640 || k.UID != 12 || k.GID != 34 || !k.Private() {
		t.Errorf("the first version was 0640 12:34, kept as %+v", k)
	}
	if kept[2].Private() {
		t.Error("what everybody could read is private")
	}
	folder := host.KeptFolder + "/" + host.KeptName(name)
	if got := c.Shell(t, `stat -c '%a %U' /var/lib/bisc/kept "$1"; stat -c %a "$1"/* | sort -u`, folder); got != "700 root\n700 root\n600\n" {
		t.Errorf("modes: %q", got)
	}
}

func (c conformance) keptLast(t *testing.T) {
	name := c.path("often")
	for i := range host.KeptVersions + 5 {
		must(t, c.Do(c.ctx, host.Put{Path: name, Content: fmt.Appendf(nil, "%d\n", i), Mode: 0o644}))
	}
	kept, err := host.ReadKept(c.ctx, c, name)
	must(t, err)
	if len(kept) != host.KeptVersions {
		t.Fatalf("%d versions are kept", len(kept))
	}
	c.is(t, kept[0].Copy, "4\n")
	c.is(t, kept[len(kept)-1].Copy, "13\n")
	folder := host.KeptFolder + "/" + host.KeptName(name)
	if got := strings.TrimSpace(c.Shell(t, `ls "$1" | wc -l`, folder)); got != fmt.Sprint(2*host.KeptVersions) {
		t.Errorf("%s files in the folder", got)
	}
}

func (c conformance) keptSecret(t *testing.T) {
	name := c.path("secret")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("pass\n"), Mode: 0o644, Secret: true}))
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("plain\n"), Mode: 0o644}))
	must(t, c.Do(c.ctx, host.Remove{Path: name}))
	kept, err := host.ReadKept(c.ctx, c, name)
	must(t, err)
	if len(kept) != 3 {
		t.Fatalf("kept %+v", kept)
	}
	for i, k := range kept {
		if !k.Secret || !k.Private() {
			t.Errorf("version %d is no secret any more: %+v", i, k)
		}
	}
}
