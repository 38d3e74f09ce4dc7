// Package builds says what the builds of the relay daemons are: how they are listed, of what they were made, and for which
// machine. It is data and pure functions only: the builder (relaybin/build) writes with it, package relaybin reads with it.
package builds

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

// ManifestName is the list's file, in the folder with the builds.
const ManifestName = "manifest.json"

// Manifest lists the builds of one folder.
type Manifest struct {
	// Flags and Env are what the go command was given beside the target, word for word.
	Flags    []string `json:"flags"`
	Env      []string `json:"env"`
	Binaries []Binary `json:"binaries"`
}

// Binary is one program for one platform.
type Binary struct {
	Name     string `json:"name"`     // shredunwrap
	Platform string `json:"platform"` // GOOS/GOARCH: linux/amd64
	SHA256   string `json:"sha256"`   // of the program as it is run, hex
	Size     int64  `json:"size"`     // bytes, of the same
	Target   Target `json:"elf"`
	// File is the compressed program's name in the folder, Packed its SHA-256.
	File   string `json:"file"`
	Packed string `json:"packed_sha256"`
	// Go is the toolchain's version, as go env GOVERSION says it.
	Go string `json:"go"`
	// Source is the digest of Dirs, the folders below relaybin that it is made of (see SourceDigest).
	Source string   `json:"source"`
	Dirs   []string `json:"dirs"`
	// Modules are the versions of the modules of others that are in it.
	Modules map[string]string `json:"modules"`
	// Settings are what its --help lists; nil where the machine that built it could not run it.
	Settings []Setting `json:"settings,omitempty"`
}

// Setting is a setting of a daemon, as its --help has it.
type Setting struct {
	Name string `json:"name"`
	// Value is the word for its value: HOST:PORT, DURATION, PATH, value...; empty for a switch (true or false).
	Value string `json:"value,omitempty"`
	About string `json:"about"`
}

// ReadManifest reads the list in a folder. The error is fs.ErrNotExist where nothing was built yet.
func ReadManifest(folder fs.FS, dir string) (Manifest, error) {
	name := path.Join(dir, ManifestName)
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return Manifest{}, fmt.Errorf("read the list of the builds: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Manifest{}, fmt.Errorf("read the list of the builds: %s: %w", name, err)
	}
	return m, nil
}

// Find gives the program for a platform.
func (m Manifest) Find(name, platform string) (Binary, bool) {
	for _, b := range m.Binaries {
		if b.Name == name && b.Platform == platform {
			return b, true
		}
	}
	return Binary{}, false
}
