package solana

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

type bodyKey struct {
	full          bool
	size, variant int
}

// body is an archive's content: the same for each node that offers the same.
func (c *Cluster) body(full bool, size, variant int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := bodyKey{full, size, variant}
	if c.bodies[k] == nil {
		c.bodies[k] = Archive(full, size, variant)
	}
	return c.bodies[k]
}

// Archive makes a snapshot archive of about size bytes: a tar in zstd with the entries of a real one by name, and noise in them. 0 is
// 64 KiB for a full one and 16 KiB for an incremental one.
func Archive(full bool, size, variant int) []byte {
	switch {
	case size == 0 && full:
		size = 64 << 10
	case size == 0:
		size = 16 << 10
	}
	random := rand.NewChaCha8([32]byte{byte(variant), byte(variant >> 8)})
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true))
	if err != nil {
		panic(err) // constant options
	}
	w := tar.NewWriter(z)
	add := func(name string, content []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: time.Unix(1_700_000_000, 0)}); err != nil {
			panic(err) // into memory
		}
		w.Write(content) // into memory; Close tells
	}
	noise := func(n int) []byte {
		p := make([]byte, n)
		random.Read(p)
		return p
	}
	add("version", []byte("1.2.0"))
	add("snapshots/status_cache", noise(512))
	for rest, i := size, 0; rest > 0; i++ {
		part := min(rest, 1<<20)
		add(fmt.Sprintf("accounts/%d.%d", 1000+i, i), noise(part))
		rest -= part
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// WritePair puts a full archive and an incremental one on top of it into a folder, seen from the caller, for a validator to start from.
func WritePair(folder string, base, slot uint64) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, FullName(base)), Archive(true, 0, 0), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, IncrementalName(base, slot)), Archive(false, 0, 0), 0o644)
}
