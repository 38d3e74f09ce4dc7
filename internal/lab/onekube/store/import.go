package store

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

// manifest is an entry of manifest.json in an archive of docker save.
type manifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// section is where a file's content lies in an archive.
type section struct{ at, size int64 }

// Import takes the images of an archive of docker save, whose manifest comes last: all of it is kept before it is read. It
// returns the images under the names that they have now.
func (s Store) Import(archive io.Reader) ([]Image, error) {
	unlock, err := s.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	kept, err := os.CreateTemp(s.Dir, "archive-")
	if err != nil {
		return nil, fmt.Errorf("keep the archive: %w", err)
	}
	defer kept.Close()
	if err := os.Remove(kept.Name()); err != nil { // it goes when it is closed, or its process is
		return nil, fmt.Errorf("keep the archive: %w", err)
	}
	if _, err := io.Copy(kept, archive); err != nil {
		return nil, fmt.Errorf("keep the archive: %w", err)
	}
	files, err := index(kept)
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	text, err := content(kept, files, "manifest.json")
	if err != nil {
		return nil, err
	}
	var manifests []manifest
	if err := json.Unmarshal(text, &manifests); err != nil {
		return nil, fmt.Errorf("read manifest.json: %w", err)
	}
	var images []Image
	for _, m := range manifests {
		image, err := s.add(kept, files, m)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

// index finds the files of an archive. Content of a link is its target's.
func index(f *os.File) (map[string]section, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	files, links := map[string]section{}, map[string]string{}
	for r := tar.NewReader(f); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		switch name := path.Clean(head.Name); head.Typeflag {
		case tar.TypeReg:
			files[name] = section{at, head.Size}
		case tar.TypeSymlink: // docker save writes one where two images share a layer
			links[name] = path.Join(path.Dir(name), head.Linkname)
		}
	}
	for name, target := range links {
		if at, ok := files[target]; ok {
			files[name] = at
		}
	}
	return files, nil
}

func open(f *os.File, files map[string]section, name string) (*io.SectionReader, error) {
	at, ok := files[path.Clean(name)]
	if !ok {
		return nil, fmt.Errorf("the archive has no %s", name)
	}
	return io.NewSectionReader(f, at.at, at.size), nil
}

func content(f *os.File, files map[string]section, name string) ([]byte, error) {
	r, err := open(f, files, name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// add unpacks one image, or finds that it is there, and gives it its names.
func (s Store) add(f *os.File, files map[string]section, m manifest) (Image, error) {
	config, err := content(f, files, m.Config)
	if err != nil {
		return Image{}, err
	}
	image := Image{ID: fmt.Sprintf("sha256:%x", sha256.Sum256(config))}
	var parsed struct{ Config Config }
	if err := json.Unmarshal(config, &parsed); err != nil {
		return Image{}, fmt.Errorf("read the config of %s: %w", image.ID, err)
	}
	image.Config = parsed.Config
	if _, err := s.Find(image.ID); errors.Is(err, ErrNoImage) {
		if err := s.unpackAll(f, files, m, &image); err != nil {
			return Image{}, fmt.Errorf("unpack %s: %w", image.ID, err)
		}
	} else if err != nil {
		return Image{}, err
	}
	for _, name := range m.RepoTags {
		if err := s.Tag(image.ID, name); err != nil {
			return Image{}, err
		}
	}
	return s.Find(image.ID)
}

func (s Store) unpackAll(f *os.File, files map[string]section, m manifest, image *Image) error {
	if err := os.RemoveAll(s.folder(image.ID)); err != nil { // what a broken import left
		return err
	}
	if err := os.MkdirAll(s.Root(image.ID), 0o755); err != nil {
		return err
	}
	for _, name := range m.Layers {
		layer, err := open(f, files, name)
		if err != nil {
			return err
		}
		image.Size += layer.Size()
		if err := unpack(s.Root(image.ID), layer); err != nil {
			return fmt.Errorf("layer %s: %w", filepath.Base(name), err)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	image.Digest = fmt.Sprintf("sha256:%x", sha256.Sum256(text))
	return s.write(*image) // last: an image without it is not there
}
