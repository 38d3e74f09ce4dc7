package kube

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"bisc/internal/host"
)

// archive is an image's archive on the controller, as docker save writes it.
type archive struct {
	name   string
	size   int64
	at     time.Time // when it was last written
	id     string    // sha256:HEX of the image's configuration
	labels map[string]string
	chunks []chunk
}

// chunk is a piece of an archive, which travels by itself.
type chunk struct {
	offset, size int64
	digest       string // SHA-256, hex
}

// chunkSize is what is sent again at most after a connection broke.
const chunkSize = 256 << 20

// name is the chunk's file on a host: its place and its digest, so that one that has its size is known to be whole (a push is renamed
// when its digest was proved).
func (c chunk) name(n int) string { return fmt.Sprintf("%04d-%s", n, c.digest) }

// readArchive reads which image an archive holds. The pieces are not read yet: see cut.
func readArchive(name string) (*archive, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the image's archive: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("the image's archive: %w", err)
	}
	a := &archive{name: name, size: st.Size(), at: st.ModTime()}
	config, err := configOf(f)
	if err != nil {
		return nil, fmt.Errorf("the image's archive %s: %w", name, err)
	}
	sum := sha256.Sum256(config)
	a.id = "sha256:" + hex.EncodeToString(sum[:])
	var said struct {
		Config struct{ Labels map[string]string } `json:"config"`
	}
	if err := json.Unmarshal(config, &said); err != nil {
		return nil, fmt.Errorf("the image's archive %s: its configuration: %w", name, err)
	}
	a.labels = said.Config.Labels
	return a, nil
}

// same tells whether the file is still the one that was read.
func (a *archive) same() bool {
	st, err := os.Stat(a.name)
	return err == nil && st.Size() == a.size && st.ModTime().Equal(a.at)
}

// configOf gives the image's configuration out of an archive: the file that manifest.json names, which comes after what it names.
func configOf(f io.ReadSeeker) ([]byte, error) {
	manifest, err := entry(f, "manifest.json")
	if err != nil {
		return nil, err
	}
	var images []struct{ Config string }
	if err := json.Unmarshal(manifest, &images); err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	if len(images) != 1 || images[0].Config == "" {
		return nil, fmt.Errorf("it holds %d images: save one by itself", len(images))
	}
	return entry(f, path.Clean(images[0].Config))
}

// entry reads a small file of a tar. It seeks over what it passes.
func entry(f io.ReadSeeker, name string) ([]byte, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t := tar.NewReader(f)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("it has no %s: want what docker save writes, uncompressed", name)
		}
		if err != nil {
			return nil, fmt.Errorf("it is no archive as docker save writes it, or is cut off (uncompressed is wanted): %w", err)
		}
		if path.Clean(h.Name) == name && h.Typeflag == tar.TypeReg {
			if h.Size > 4<<20 {
				return nil, fmt.Errorf("%s in it has %d bytes", name, h.Size)
			}
			return io.ReadAll(t)
		}
	}
}

// cut reads the whole archive and divides it into pieces of that size.
func (a *archive) cut(size int64) error {
	if a.chunks != nil {
		return nil
	}
	f, err := os.Open(a.name)
	if err != nil {
		return fmt.Errorf("the image's archive: %w", err)
	}
	defer f.Close()
	var chunks []chunk
	for at := int64(0); at < a.size; at += size {
		piece := min(size, a.size-at)
		sum := sha256.New()
		if _, err := io.Copy(sum, io.NewSectionReader(f, at, piece)); err != nil {
			return fmt.Errorf("the image's archive %s: %w", a.name, err)
		}
		chunks = append(chunks, chunk{at, piece, hex.EncodeToString(sum.Sum(nil))})
	}
	a.chunks = chunks
	return nil
}

// push carries a piece.
func (a *archive) push(folder string, n int) host.Push {
	c := a.chunks[n]
	return host.Push{
		Path: path.Join(folder, c.name(n)), Digest: c.digest, Size: c.size, Mode: 0o600,
		Source: func() (io.ReadCloser, error) {
			f, err := os.Open(a.name)
			if err != nil {
				return nil, err
			}
			return section{io.NewSectionReader(f, c.offset, c.size), f}, nil
		},
	}
}

// section is a part of a file that closes it.
type section struct {
	io.Reader
	io.Closer
}

// Archived is what an archive of docker save holds.
type Archived struct {
	ID     string // sha256:HEX of the image's configuration
	Labels map[string]string
	Size   int64 // of the archive, in bytes
}

// ReadArchived reads which image the archive at a path of this machine holds.
func ReadArchived(name string) (Archived, error) {
	a, err := readArchive(name)
	if err != nil {
		return Archived{}, err
	}
	return Archived{a.id, a.labels, a.size}, nil
}
