// Package imagebuild builds an image of named commits, and writes down what it was made of.
package imagebuild

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

// Request says what is to be built.
type Request struct {
	Tag    string // the image's reference
	Source string // a git repository: URL or path
	Commit string // of it, whole
	// PatchSource is where the patches come from; "" is Source.
	PatchSource string
	Patches     []string // commits, each applied upon the one before as cherry-pick does
	File        string   // the Dockerfile, a path on this machine
	Args        map[string]string
	Bases       map[string]string // images that the Dockerfile starts from by name, each with the id that it must have here
	Context     string            // docker's context, "" is its current one
	Out         string            // the folder for the archive and its record
}

// Inputs are all that an image is made of, and so what its record and its labels tell. The commands in a Dockerfile may fetch more:
// that they fetch the same again is theirs to see to.
type Inputs struct {
	Source      string            `json:"source"`
	Commit      string            `json:"commit"`
	PatchSource string            `json:"patch_source,omitempty"`
	Patches     []string          `json:"patches,omitempty"`
	Tree        string            `json:"tree"`       // git's digest of the source with the patches
	Dockerfile  string            `json:"dockerfile"` // SHA-256, hex
	Args        map[string]string `json:"build_args,omitempty"`
	Bases       map[string]string `json:"bases,omitempty"` // reference to id or digest
}

// Digest is the SHA-256 (hex) of the inputs.
func (i Inputs) Digest() string {
	text, err := json.Marshal(i)
	if err != nil {
		panic(fmt.Sprintf("imagebuild: the inputs do not marshal: %v", err)) // a programmer's mistake: strings and maps of them
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var (
	commitForm = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	idForm     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// Check finds what cannot be built, or would not be the same again.
func (r Request) Check() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	_, err := reference.ParseDockerRef(r.Tag)
	fault(err != nil, "%q is no reference of an image: write laconicnetwork/agave:local", r.Tag)
	fault(!commitForm.MatchString(r.Commit), "--commit %q: write the whole commit, 40 hex digits: a branch, a tag or the head of a pull request moves", r.Commit)
	for _, p := range r.Patches {
		fault(!commitForm.MatchString(p), "--patch-commit %q: write the whole commit, 40 hex digits: a branch, a tag or the head of a pull request moves", p)
	}
	for flag, source := range map[string]string{"--source": r.Source, "--patch-source": r.PatchSource} {
		u, err := url.Parse(source)
		fault(flag == "--source" && source == "", "--source is missing: name the git repository")
		fault(strings.HasPrefix(source, "-"), "%s %q is no repository", flag, source)
		_, secret := userinfo(u)
		fault(err == nil && secret, "%s holds a password, which would be written into the image: give it to git by a credential helper", flag)
	}
	for name, id := range r.Bases {
		fault(!idForm.MatchString(id), "--base %s=%s: write the id that docker image inspect gives, sha256: and 64 hex digits", name, id)
	}
	st, err := os.Stat(r.Out)
	fault(err != nil || !st.IsDir(), "--out %q is no folder", r.Out)
	return errors.Join(faults...)
}

func userinfo(u *url.URL) (string, bool) {
	if u == nil || u.User == nil {
		return "", false
	}
	return u.User.Password()
}
