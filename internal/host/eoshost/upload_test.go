package eoshost

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCarry brings content by each way that a switch may have, and says so where it is not what was planned.
func TestCarry(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("\x00\x1e\xff? sw1#\r\n"), 12_000)
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	source := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	for name, set := range map[string]func(*far){
		"sftp":    func(*far) {},
		"scp":     func(f *far) { f.noSFTP = true },
		"tee":     func(f *far) { f.noSFTP, f.noSCP, f.execAll = true, true, true },
		"console": func(f *far) { f.noSFTP, f.noSCP = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t)
			set(f)
			h := opened(t, f.start())
			file := filepath.Join(t.TempDir(), "a folder", "new")
			if err := h.carry(t.Context(), file, 0o755, int64(len(content)), digest, source); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(file)
			st, serr := os.Stat(file)
			if err := errors.Join(err, serr); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, content) || st.Mode().Perm() != 0o755 {
				t.Errorf("%d bytes of %d arrived, mode %s", len(got), len(content), st.Mode())
			}
			used := f.used()
			if used != name {
				t.Errorf("it came by %s", used)
			}
			err = h.carry(t.Context(), file, 0o755, int64(len(content)), strings.Repeat("0", 64), source)
			if err == nil || !strings.Contains(err.Error(), "not what was planned") {
				t.Errorf("another digest: %v", err)
			}
		})
	}
}

// used is the way by which the last content came.
func (f *far) used() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.upload == "" {
		return "console"
	}
	return f.upload
}

func (f *far) by(way string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.upload = way
}
