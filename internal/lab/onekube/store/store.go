// Package store is the image store of a rig A node: what containerd's is to a real one. An image is what docker save wrote,
// known by the digest of its config as everywhere in Kubernetes, with its layers unpacked one over the other.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/distribution/reference"
	"golang.org/x/sys/unix"
)

// Dir is where a node keeps images: on its volume, so that they outlive a restart.
const Dir = "/var/lib/containerd/lab.images"

// ErrNoImage says that no image has a name or id.
var ErrNoImage = errors.New("no such image")

// Image is an image as the store lists it.
type Image struct {
	ID     string   `json:"id"` // sha256:... of the config, which is also what docker and CRI call its id
	Names  []string `json:"names"`
	Digest string   `json:"digest"` // of the manifest
	Size   int64    `json:"size"`   // of the layers, in bytes
	Config Config   `json:"config"`
}

// Config is what an image says of how it runs, as in the OCI image format.
type Config struct {
	User       string   `json:"User,omitempty"`
	Env        []string `json:"Env,omitempty"`
	Entrypoint []string `json:"Entrypoint,omitempty"`
	Cmd        []string `json:"Cmd,omitempty"`
	WorkingDir string   `json:"WorkingDir,omitempty"`
}

// Store is the images below a folder.
type Store struct{ Dir string }

// Root is the folder of an image's unpacked layers; nobody may write there.
func (s Store) Root(id string) string { return filepath.Join(s.folder(id), "root") }

func (s Store) folder(id string) string { return filepath.Join(s.Dir, filepath.Base(id)) }

// Normal is a reference as containerd keeps it: with the registry and the tag that a short one leaves out.
func Normal(name string) (string, error) {
	ref, err := reference.ParseDockerRef(name)
	if err != nil {
		return "", fmt.Errorf("image name %q: %w", name, err)
	}
	return ref.String(), nil
}

// List returns all images, ordered by id.
func (s Store) List() ([]Image, error) {
	files, err := filepath.Glob(filepath.Join(s.Dir, "sha256:*", "image.json"))
	if err != nil {
		return nil, err
	}
	var images []Image
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the image store: %w", err)
		}
		var image Image
		if err := json.Unmarshal(text, &image); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		images = append(images, image)
	}
	return images, nil
}

// Find returns an image by its name, short or long, or by its id.
func (s Store) Find(name string) (Image, error) {
	images, err := s.List()
	if err != nil {
		return Image{}, err
	}
	normal, _ := Normal(name) // an id is no reference, and found as it is
	for _, image := range images {
		if image.ID == name || image.ID == "sha256:"+name || slices.Contains(image.Names, normal) {
			return image, nil
		}
	}
	return Image{}, fmt.Errorf("%w: %s", ErrNoImage, name)
}

// Tag gives an image a name, and takes it from the image that had it.
func (s Store) Tag(id, name string) error {
	normal, err := Normal(name)
	if err != nil {
		return err
	}
	if err := s.Untag(normal); err != nil && !errors.Is(err, ErrNoImage) {
		return err
	}
	image, err := s.Find(id)
	if err != nil {
		return err
	}
	image.Names = append(image.Names, normal)
	return s.write(image)
}

// Untag takes a name away. An image without names stays for the containers that run it.
func (s Store) Untag(name string) error {
	image, err := s.Find(name)
	if err != nil {
		return err
	}
	normal, err := Normal(name)
	if err != nil {
		return err
	}
	image.Names = slices.DeleteFunc(image.Names, func(n string) bool { return n == normal })
	return s.write(image)
}

func (s Store) write(image Image) error {
	text, err := json.Marshal(image)
	if err != nil {
		return err
	}
	file := filepath.Join(s.folder(image.ID), "image.json")
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return fmt.Errorf("write the image store: %w", err)
	}
	return os.Rename(file+".new", file)
}

// Lock keeps other writers out until unlock.
func (s Store) Lock() (unlock func(), err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock the image store: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the image store: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock the image store: %w", err)
	}
	return func() { f.Close() }, nil
}
