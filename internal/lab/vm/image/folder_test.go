package image

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFolder is what a cache may do to us: be cut short, spoilt, of another making, or copied from elsewhere.
func TestFolder(t *testing.T) {
	make := func() *Folder {
		f := NewFolder("vm-test", "a", "b")
		f.path = filepath.Join(t.TempDir(), filepath.Base(f.path))
		err := f.Build(func(work string) error {
			for name, text := range map[string]string{"disk": "a long text", "scratch": "x"} {
				if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
					return err
				}
			}
			return nil
		}, "disk")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	again := func(f *Folder) *Folder { return &Folder{path: f.path, of: f.of} }
	for _, c := range []struct {
		situation string
		spoil     func(f *Folder) error
		want      bool
	}{
		{"as it was built", func(*Folder) error { return nil }, true},
		{"a byte differs, and the size and the time of writing do not", func(f *Folder) error {
			info, err := os.Stat(f.File("disk"))
			if err != nil {
				return err
			}
			// Again until the kernel's clock has moved on: older ones note times to some milliseconds.
			for was, now := f.seal.Files["disk"].Changed, int64(0); now <= was; {
				if err := os.WriteFile(f.File("disk"), []byte("a lonG text"), 0o600); err != nil {
					return err
				}
				if err := os.Chtimes(f.File("disk"), info.ModTime(), info.ModTime()); err != nil {
					return err
				}
				s, err := glance(f.File("disk"))
				if err != nil {
					return err
				}
				now = s.Changed
			}
			return nil
		}, false},
		{"cut short", func(f *Folder) error { return os.Truncate(f.File("disk"), 3) }, false},
		{"a file is gone", func(f *Folder) error { return os.Remove(f.File("disk")) }, false},
		{"no seal", func(f *Folder) error { return os.Remove(f.File("seal")) }, false},
		{"half a seal", func(f *Folder) error { return os.Truncate(f.File("seal"), 20) }, false},
		{"of another making", func(f *Folder) error { f.of = "else"; return nil }, false},
		{"copied", func(f *Folder) error {
			text, err := os.ReadFile(f.File("disk"))
			if err == nil {
				err = os.Remove(f.File("disk"))
			}
			if err == nil {
				err = os.WriteFile(f.File("disk"), text, 0o600)
			}
			return err
		}, true},
	} {
		f := make()
		if err := c.spoil(f); err != nil {
			t.Fatal(err)
		}
		if got := again(f).Sealed(t.Context()); got != c.want {
			t.Errorf("%s: sealed is %v", c.situation, got)
		}
	}
	f := make()
	if _, err := os.Stat(f.File("scratch")); err == nil {
		t.Error("what is not to be kept is kept")
	}
}
