package hosttest

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"bisc/internal/host"
)

func (c conformance) stat(t *testing.T) {
	c.Shell(t, `cd "$1"; echo hello >file; chown 12:34 file; chmod 4751 file; mkdir folder; chmod 1777 folder; ln -s file link; ln -s nowhere dangling
		mkfifo fifo; mknod block b 7 300; mknod char c 1 3; mkdir "odd name
"; ln -s folder/ "to folder"; touch -d @1000000000 file`, c.Dir)
	want := map[string]host.Stat{
		"file":        {Type: host.Regular, Mode: 0o4751, UID: 12, GID: 34, Size: 6},
		"folder":      {Type: host.Directory, Mode: 0o1777},
		"link":        {Type: host.Regular, Mode: 0o4751, UID: 12, GID: 34, Size: 6, Link: "file"},
		"to folder":   {Type: host.Directory, Mode: 0o1777, Link: "folder/"},
		"dangling":    {Type: host.Dangling, Mode: 0o777, Link: "nowhere"},
		"fifo":        {Type: host.Fifo, Mode: 0o644},
		"block":       {Type: host.Block, Mode: 0o644, Rdev: host.DeviceID{Major: 7, Minor: 300}},
		"char":        {Type: host.Char, Mode: 0o644, Rdev: host.DeviceID{Major: 1, Minor: 3}},
		"odd name\n":  {Type: host.Directory, Mode: 0o755},
		"odd name\n/": {Type: host.Directory, Mode: 0o755},
	}
	for name, want := range want {
		got, err := c.Stat(c.ctx, c.path(name))
		must(t, err)
		inode := strings.TrimSpace(c.Shell(t, `stat -L -c %i -- "$1" 2>/dev/null || stat -c %i -- "$1"`, c.path(name)))
		if fmt.Sprint(got.Inode) != inode {
			t.Errorf("%q: inode %d, want %s", name, got.Inode, inode)
		}
		if want.Size == 0 {
			got.Size = 0
		}
		if got.UID != want.UID || got.GID != want.GID || got.Type != want.Type || got.Mode != want.Mode || got.Size != want.Size || got.Link != want.Link || got.Rdev != want.Rdev {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
		if want.Type == host.Regular && got.ModTime.Unix() != 1_000_000_000 {
			t.Errorf("%q: modified %s", name, got.ModTime)
		}
	}
	if _, err := c.Stat(c.ctx, c.path("file/below")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below a file: %v", err)
	}
}

func (c conformance) mountID(t *testing.T) {
	c.Shell(t, `cd "$1"; mkdir -p "m t/in" plain; mount -t tmpfs one "m t"; mkdir "m t/in"; mount -t tmpfs two "m t"; mkdir "m t/in"; ln -s "m t/in" through`, c.Dir)
	defer c.Shell(t, `umount "$1/m t"; umount "$1/m t"`, c.Dir)
	// Two mounts cover the same place; the second one's parent is the first.
	lines := c.Shell(t, `grep -F "$1/m\\040t" /proc/self/mountinfo`, c.Dir)
	var ids, parents []string
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		ids, parents = append(ids, f[0]), append(parents, f[1])
	}
	if len(ids) != 2 {
		t.Fatalf("mountinfo: %s", lines)
	}
	top := ids[0]
	if slices.Contains(parents, top) {
		top = ids[1]
	}
	for _, name := range []string{"m t", "m t/in", "through"} {
		st, err := c.Stat(c.ctx, c.path(name))
		must(t, err)
		if fmt.Sprint(st.MountID) != top {
			t.Errorf("%s: mount %d, want %s", name, st.MountID, top)
		}
	}
	out, err := c.Stat(c.ctx, c.path("plain"))
	must(t, err)
	in, err := c.Stat(c.ctx, c.Dir)
	must(t, err)
	if out.MountID != in.MountID || out.MountID == 0 || fmt.Sprint(out.MountID) == top {
		t.Errorf("beside the mount: %d, above it: %d", out.MountID, in.MountID)
	}
}

func (c conformance) read(t *testing.T) {
	c.Shell(t, `cd "$1"; printf 'a\000b\n\n' >nul; : >empty; head -c 3000000 /dev/zero >big; mkdir dir; mkfifo pipe; ln -s nul lnk`, c.Dir)
	c.is(t, c.path("nul"), "a\x00b\n\n")
	c.is(t, c.path("lnk"), "a\x00b\n\n")
	c.is(t, c.path("empty"), "")
	c.is(t, c.path("big"), strings.Repeat("\x00", 3_000_000))
	c.is(t, "/proc/sys/kernel/ostype", "Linux\n")
	for _, name := range []string{"dir", "pipe"} {
		if b, err := c.ReadFile(c.ctx, c.path(name)); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if _, err := c.ReadFile(c.ctx, "relative"); err == nil {
		t.Error("a relative path was read")
	}
}

func (c conformance) glob(t *testing.T) {
	c.Shell(t, `cd "$1"; mkdir g; cd g; : >b; : >a; : >"c d"; : >.hidden; : >'star*'; ln -s nowhere dangling; mkdir sub; : >sub/x`, c.Dir)
	dir := c.path("g")
	for pattern, want := range map[string][]string{
		"/*": {"/a", "/b", "/c d", "/dangling", "/star*", "/sub"}, "/[ab]": {"/a", "/b"}, "/? ?": {"/c d"}, "/*/x": {"/sub/x"}, "/nope*": nil, "/a": {"/a"},
		`/star\*`: {"/star*"}, "/none/*": nil, "/{a,b}": nil,
	} {
		got, err := c.Glob(c.ctx, dir+pattern)
		must(t, err)
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], dir)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}
