package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestPrune: what stays of a kind's builds is the current one, what somebody holds, and what another checkout has used today.
func TestPrune(t *testing.T) {
	cache := t.TempDir()
	old := time.Now().Add(-2 * keepUnused)
	for _, name := range []string{"kube-now", "kube-old", "kube-held", "kube-other", "kube-new.building-1", "kube.lock", "kubeelse-old", "vm-disk-old"} {
		dir := filepath.Join(cache, name)
		if err := os.MkdirAll(filepath.Join(dir, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "kube-other" || name == "kube-new.building-1" {
			continue
		}
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (names []string) {
		t.Helper()
		if err := Prune(filepath.Join(cache, "kube-now")); err != nil {
			t.Fatal(err)
		}
		all, err := os.ReadDir(cache)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			names = append(names, e.Name())
		}
		return names
	}
	held := filepath.Join(cache, "kube-held")
	release, err := Hold(held)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(held, old, old); err != nil { // held for two days
		t.Fatal(err)
	}
	want := []string{"kube-held", "kube-now", "kube-other", "kube.lock", "kubeelse-old", "vm-disk-old"}
	if got := left(); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	release()
	if got := left(); !slices.Equal(got, want[1:]) {
		t.Errorf("let go, left are %q, want %q", got, want[1:])
	}
	if _, err := Hold(held); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is gone is held: %v", err)
	}
	now := filepath.Join(cache, "kube-now")
	if release, err = Hold(now); err != nil {
		t.Fatal(err)
	}
	defer release()
	if info, err := os.Stat(now); err != nil || time.Since(info.ModTime()) > keepUnused {
		t.Errorf("nothing notes that it is used: %v, %v", info.ModTime(), err)
	}
}
