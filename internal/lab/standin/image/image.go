// Package image makes archives that docker load and ctr images import take, with one layer, byte for byte the same each time. The
// image's ID is the digest of its config, which docker, containerd and crictl all tell.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// File is a file, folder or link of the image.
type File struct {
	Name    string // without the leading /
	Mode    int64
	Content []byte
	Link    string // a symbolic link's target
	Folder  bool
	Owner   int // uid and gid
}

// Image is what an archive holds.
type Image struct {
	Tag        string // "laconicnetwork/agave:local"
	Files      []File
	Entrypoint []string
	Env        []string
	User       string
	Labels     map[string]string
}

type config struct {
	Created      time.Time `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       runConfig `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
	History      []history `json:"history"`
}

type runConfig struct {
	User       string            `json:"User,omitempty"`
	Env        []string          `json:"Env,omitempty"`
	Entrypoint []string          `json:"Entrypoint,omitempty"`
	Labels     map[string]string `json:"Labels,omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
}

// epoch is the time of all files: an image tells its content, not when it was made.
func epoch() time.Time { return time.Unix(1_700_000_000, 0).UTC() }

// Write writes the archive and returns the image's ID, sha256:....
func (i Image) Write(w io.Writer) (id string, err error) {
	layer, err := i.layer()
	if err != nil {
		return "", err
	}
	digest := sum(layer)
	text, err := json.Marshal(config{
		Created: epoch(), Architecture: "amd64", OS: "linux",
		Config:  runConfig{User: i.User, Env: i.Env, Entrypoint: i.Entrypoint, Labels: i.Labels},
		RootFS:  rootFS{"layers", []string{"sha256:" + digest}},
		History: []history{{epoch(), "bisc's lab"}},
	})
	if err != nil {
		return "", fmt.Errorf("make image %s: %w", i.Tag, err)
	}
	id = sum(text)
	manifest, err := json.Marshal([]map[string]any{{"Config": id + ".json", "RepoTags": []string{i.Tag}, "Layers": []string{digest + "/layer.tar"}}})
	if err != nil {
		return "", fmt.Errorf("make image %s: %w", i.Tag, err)
	}
	archive, err := pack([]File{
		{Name: id + ".json", Mode: 0o644, Content: text},
		{Name: digest + "/", Mode: 0o755, Folder: true},
		{Name: digest + "/VERSION", Mode: 0o644, Content: []byte("1.0")},
		{Name: digest + "/layer.tar", Mode: 0o644, Content: layer},
		{Name: "manifest.json", Mode: 0o644, Content: manifest},
	})
	if err != nil {
		return "", fmt.Errorf("make image %s: %w", i.Tag, err)
	}
	if _, err := w.Write(archive); err != nil {
		return "", fmt.Errorf("write image %s: %w", i.Tag, err)
	}
	return "sha256:" + id, nil
}

func (i Image) layer() ([]byte, error) {
	layer, err := pack(i.Files)
	if err != nil {
		return nil, fmt.Errorf("make the layer of %s: %w", i.Tag, err)
	}
	return layer, nil
}

func pack(files []File) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: f.Mode, ModTime: epoch(), Uid: f.Owner, Gid: f.Owner, Size: int64(len(f.Content)), Typeflag: tar.TypeReg}
		switch {
		case f.Folder:
			h.Typeflag = tar.TypeDir
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

func sum(b []byte) string {
	digest := sha256.Sum256(b)
	return hex.EncodeToString(digest[:])
}
