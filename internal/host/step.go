package host

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Step is one act on a host, as data: it can be printed, compared and hashed. The set is closed: Script, Put, Edit,
// Remove, Push and Job, and on switches Configure and CLI.
type Step interface {
	// String is what a person reads: never content, only its size and digest.
	String() string
	isStep()
}

// Script runs a program once its guards hold, all in one process tree on the host: nothing comes between a guard and
// the act. Argv goes to exec as it is.
type Script struct {
	Argv   []string
	Stdin  []byte `json:",omitempty"`
	Guards []Guard
	// Limit is how long the program may run; zero means DefaultLimit.
	Limit time.Duration
	// Secret says that Stdin must not be shown, nor its digest.
	Secret bool `json:",omitempty"`
	// ForwardAgent lends the operator's SSH agent to this step alone: SSH_AUTH_SOCK is a socket on the host, which root and the
	// user that bisc logs in as can open, and which is gone when the step has ended. Its keys sign there; they never leave the
	// operator's machine. The step fails, and nothing is done, where no agent can be lent.
	ForwardAgent bool `json:",omitempty"`
}

// DefaultLimit ends a script that named no limit of its own.
const DefaultLimit = 2 * time.Minute

// Put writes a small file whole: temporary file in the same folder, Verify, chmod, chown, fsync, rename, fsync of the
// folder. It never follows a symbolic link at Path.
type Put struct {
	Path     string
	Content  []byte
	Mode     uint32 // permission bits as in chmod(1)
	UID, GID int
	// Verify is run with each "{path}" replaced by the temporary file; a non-zero exit keeps the old file.
	Verify []string `json:",omitempty"`
	// Was is the SHA-256 (hex) of the content that the plan saw, or Absent. The put fails with ErrChanged if something
	// else is there by then. Empty means anything may be replaced.
	Was    string `json:",omitempty"`
	Secret bool   `json:",omitempty"`
	Guards []Guard
}

// Absent is the Was of a file that was not there.
const Absent = "absent"

// Edit replaces whole lines of a file that has several owners (fstab). The lines in Drop must still be there, word for
// word, or it fails with ErrChanged; the first of them gives way to Add, or Add is appended where Drop is empty.
// The file's mode and owner stay.
type Edit struct {
	Path   string
	Drop   []string
	Add    []string
	Verify []string `json:",omitempty"`
	Guards []Guard
}

// Remove takes a plain file away. What was there is kept on the host, as with Put and Edit (see Kept).
type Remove struct {
	Path string
	// Secret says that the content must not be shown when it is planned back.
	Secret bool `json:",omitempty"`
	Guards []Guard
}

// Push writes a large file by sftp into a temporary file in the same folder and then as Put does.
type Push struct {
	Path     string
	Digest   string // SHA-256 of the content, hex
	Size     int64
	Mode     uint32
	UID, GID int
	Source   func() (io.ReadCloser, error) `json:"-"`
}

// Job is a systemd job without a guard (start, reload, restart, stop of what cannot hurt), whose result is known from
// D-Bus.
type Job struct {
	Verb string // start, stop, restart, reload, reload-or-restart
	Unit string
	// Limit is how long the job may take; zero means DefaultLimit.
	Limit time.Duration
}

func (Script) isStep()    {}
func (Put) isStep()       {}
func (Edit) isStep()      {}
func (Remove) isStep()    {}
func (Push) isStep()      {}
func (Job) isStep()       {}
func (Configure) isStep() {}
func (CLI) isStep()       {}

// String gives the argv, quoted for reading, and the guards' names.
func (s Script) String() string {
	out := "run " + Quote(s.Argv...)
	if len(s.Argv) > 3 && s.Argv[0] == "sh" && s.Argv[1] == "-c" && strings.Contains(s.Argv[2], "\n") {
		out = "run [" + s.Argv[3] + "] " + Quote(s.Argv[4:]...) // a constant text goes by its name, as a guard does
	}
	switch {
	case s.Secret && len(s.Stdin) > 0:
		out += " < secret" // no digest: that of a short secret can be guessed
	case len(s.Stdin) > 0:
		out += fmt.Sprintf(" < %d bytes %s", len(s.Stdin), shortDigest(s.Stdin))
	}
	if s.ForwardAgent {
		out += " with the operator's SSH agent"
	}
	return out + guardNames(s.Guards)
}

// String gives the path, size, digest, mode and owner.
func (p Put) String() string {
	return fmt.Sprintf("put %s (%d bytes, %s, mode %04o, owner %d:%d)%s%s",
		Quote(p.Path), len(p.Content), p.digest(), p.Mode, p.UID, p.GID, verifyText(p.Verify), guardNames(p.Guards))
}

// digest is left out for secrets: the digest of a short secret can be guessed.
func (p Put) digest() string {
	if p.Secret {
		return "secret"
	}
	return shortDigest(p.Content)
}

// String gives the lines that go and come.
func (e Edit) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "edit %s%s%s", Quote(e.Path), verifyText(e.Verify), guardNames(e.Guards))
	for _, l := range e.Drop {
		b.WriteString("\n  - " + l)
	}
	for _, l := range e.Add {
		b.WriteString("\n  + " + l)
	}
	return b.String()
}

// String gives the path.
func (r Remove) String() string { return "remove " + Quote(r.Path) + guardNames(r.Guards) }

// String gives the path, size, digest, mode and owner.
func (p Push) String() string {
	return fmt.Sprintf("push %s (%d bytes, sha256:%.12s, mode %04o, owner %d:%d)", Quote(p.Path), p.Size, p.Digest, p.Mode, p.UID, p.GID)
}

// String reads like systemctl.
func (j Job) String() string { return "systemd " + Quote(j.Verb, j.Unit) }

// Digest is an HMAC-SHA-256 (hex) of a step's whole content, type included: two steps are the same act if and only if
// their digests under one key are equal. The key keeps short secrets from being guessed from it.
func Digest(key []byte, s Step) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("host: step %T does not marshal: %v", s, err)) // a programmer's mistake: steps are plain data
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%T\n", s)
	mac.Write(b)
	return hex.EncodeToString(mac.Sum(nil))
}

func shortDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:6])
}

func verifyText(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	if len(argv) > 3 && argv[0] == "sh" && argv[1] == "-c" {
		return ", verified: " + argv[3] // a constant text goes by its name, as a guard does
	}
	return ", verified by " + Quote(argv...)
}

func guardNames(gs []Guard) string {
	if len(gs) == 0 {
		return ""
	}
	names := make([]string, len(gs))
	for i, g := range gs {
		names[i] = g.Name
	}
	return "  [guards: " + strings.Join(names, ", ") + "]"
}

// ContentDigest is the Was of a file with this content; nil content means that it was not there.
func ContentDigest(content []byte) string {
	if content == nil {
		return Absent
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
