package fetch

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"bisc/hostbin/snapshots"
)

// archive is a snapshot archive of about size bytes: a tar within zstd, with a bank of the slot and bytes that do not compress.
func archive(t testing.TB, a snapshots.Archive, size int) []byte {
	t.Helper()
	var z bytes.Buffer
	c, err := zstd.NewWriter(&z, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(c)
	put := func(name string, body []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	put("version", []byte("1.2.0"))
	put(fmt.Sprintf("snapshots/%d/%d", a.Slot, a.Slot), []byte("bank"))
	noise := make([]byte, size)
	random := rand.NewChaCha8(sha256.Sum256([]byte(a.Name())))
	_, _ = random.Read(noise)
	put("accounts/0.0", noise)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Bytes()
}

// full and inc are names of archives.
func full(slot int) string { return fmt.Sprintf("snapshot-%d-%s.tar.zst", slot, hash(slot)) }

func inc(base, slot int) string {
	return fmt.Sprintf("incremental-snapshot-%d-%d-%s.tar.zst", base, slot, hash(slot))
}

func hash(slot int) string {
	sum := sha256.Sum256(fmt.Append(nil, slot))
	return hex.EncodeToString(sum[:])[:43]
}

// lies wants exactly these files in a folder, besides the lock; each archive whole.
func lies(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Name() == ".bisc-snapshot.lock" {
			continue
		}
		got = append(got, e.Name())
		a, ok := snapshots.Parse(e.Name())
		if !ok {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(f, a); err != nil {
			t.Errorf("%s is in place, and: %v", e.Name(), err)
		}
		_ = f.Close()
	}
	if strings.Join(got, "\n") != strings.Join(sorted(want), "\n") {
		t.Errorf("in %s lie\n%s\nwant\n%s", dir, strings.Join(got, "\n"), strings.Join(sorted(want), "\n"))
	}
}

func sorted(names []string) []string {
	out := append([]string{}, names...)
	for i := range out {
		for j := i; j > 0 && out[j] < out[j-1]; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

// put writes an archive into a folder, as one that is there already.
func put(t *testing.T, dir, name string, size int) {
	t.Helper()
	a, ok := snapshots.Parse(name)
	if !ok {
		t.Fatalf("%s is no archive's name", name)
	}
	if err := os.WriteFile(filepath.Join(dir, name), archive(t, a, size), 0o644); err != nil {
		t.Fatal(err)
	}
}

// holdOpen has another process hold a file open; what it gives ends that.
func holdOpen(t *testing.T, name string) (end func()) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("cat")
	cmd.ExtraFiles = []*os.File{f}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	var once sync.Once
	end = func() { once.Do(func() { _ = in.Close(); _ = cmd.Wait() }) }
	t.Cleanup(end)
	return end
}
