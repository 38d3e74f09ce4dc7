package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"bisc/hostbin/snapshots"
)

// Links, folders and pipes with an archive's name are no archives: a dead link has a length too, and would be a full that need
// not be fetched.
func TestFilesAreRegular(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	put(t, elsewhere, full(300), kb)
	put(t, dir, full(100), kb)
	err := errors.Join(os.Symlink(filepath.Join(elsewhere, full(300)), filepath.Join(dir, full(300))), os.Symlink("/none", filepath.Join(dir, full(400))),
		os.Mkdir(filepath.Join(dir, full(500)), 0o755), unix.Mkfifo(filepath.Join(dir, full(600)), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(dir, nil)
	if err != nil || len(files) != 1 || files[0].Name != full(100) {
		t.Errorf("%+v, %v", files, err)
	}
	if _, err := Files(filepath.Join(dir, "none"), nil); err == nil {
		t.Error("a folder that is not there is an empty one")
	}
}

// A full that lies in two folders stays in ours where the other's cannot be linked over it (a defect: it was removed first).
func TestIncident34_KeptBeforeTheLink(t *testing.T) {
	into, other := t.TempDir(), t.TempDir()
	put(t, into, full(100), kb)
	f := &fetcher{order: Order{Into: into}, say: quiet()}
	a, _ := snapshots.Parse(full(100))
	b, _ := snapshots.Parse(inc(100, 190))
	h := have{a, other, snapshots.Pair{Full: a, Incremental: &b}}
	if err := f.keep(h); !errors.Is(err, unix.ENOENT) {
		t.Errorf("the other's went, and: %v", err)
	}
	lies(t, into, full(100))
	put(t, other, full(100), kb)
	put(t, other, inc(100, 190), kb)
	for range 2 { // the second time both are one file already
		if err := f.keep(h); err != nil {
			t.Error(err)
		}
		lies(t, into, full(100), inc(100, 190))
	}
	lies(t, other, full(100), inc(100, 190))
}

// The newest pair of all folders comes first, whichever folder it is in.
func TestHavesNewestFirst(t *testing.T) {
	into, second, third := t.TempDir(), t.TempDir(), t.TempDir()
	put(t, into, full(200), kb)
	put(t, second, full(100), kb)
	put(t, second, inc(100, 290), kb)
	put(t, third, full(150), kb)
	put(t, third, full(300), kb)
	f := &fetcher{order: Order{Into: into, Have: []string{second, third}}, found: snapshots.Found{Wants: snapshots.Wants{Formats: []string{"tar.zst"}}}}
	here, err := f.haves()
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, h := range here {
		got = append(got, h.pair.Slot())
	}
	if want := []uint64{300, 290, 200, 150}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
