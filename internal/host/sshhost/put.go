package sshhost

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	"bisc/internal/host"
)

// put writes a file whole: see sub put in put.pl, and bisc_put in shell.sh.
func (w *Writer) put(ctx context.Context, p host.Put) error {
	r, err := w.putRequest(p.Path, len(p.Content), p.Mode, p.UID, p.GID, p.Was, "", w.keeps(ctx, p.Path, p.Secret), p.Verify, p.Guards)
	if err != nil {
		return err
	}
	r.stdin, r.note = p.Content, w.note(ctx)
	a, err := w.step(ctx, r)
	return withheld(p.Secret, putVerdict(p.Path, p.Verify, a, err))
}

// remove takes a file away: see sub drop in put.pl.
func (w *Writer) remove(ctx context.Context, s host.Remove) error {
	r, err := w.putRequest(s.Path, nothing, 0, 0, 0, "", "", w.keeps(ctx, s.Path, s.Secret), nil, s.Guards)
	if err != nil {
		return err
	}
	r.note = w.note(ctx)
	a, err := w.step(ctx, r)
	return putVerdict(s.Path, nil, a, err)
}

// Sizes of a put that brings no content.
const (
	elsewhere = -1 // somebody else writes it into the temporary file
	nothing   = -2 // the file is to go
)

// keeping is where what a put replaces is kept: a folder below host.KeptFolder, and the beginning of its record. The zero
// value keeps nothing.
type keeping struct{ folder, note string }

// keeps is the keeping of a path. bisc's own files are its state, not the host's.
func (w *Writer) keeps(ctx context.Context, name string, secret bool) keeping {
	if strings.HasPrefix(name, w.pool.stateDir+"/") {
		return keeping{}
	}
	note, err := json.Marshal(struct {
		Path    string `json:"path"`
		Run     string `json:"run"`
		Address string `json:"address,omitempty"`
		Secret  bool   `json:"secret,omitempty"`
	}{name, w.lock.Run, host.AddressOf(ctx), secret})
	if err != nil {
		panic("sshhost: strings do not marshal: " + err.Error()) // json.Marshal takes every string
	}
	return keeping{host.KeptName(name), strings.TrimSuffix(string(note), "}")}
}

// putRequest lists the parameters of a put. digest, if given, is what the content must have when it has arrived.
func (w *Writer) putRequest(name string, size int, mode uint32, uid, gid int, was, digest string, keep keeping, verify []string, guards []host.Guard) (*request, error) {
	if err := checkPath("put", name); err != nil {
		return nil, err
	}
	if path.Clean(name) != name || name == "/" {
		return nil, fmt.Errorf("put %q: want a clean path of a file", name)
	}
	words := []string{
		name, strconv.FormatUint(uint64(mode&0o7777), 10), strconv.Itoa(uid), strconv.Itoa(gid), was, strconv.Itoa(size),
		w.tempName(name), digest, keep.folder, keep.note, strconv.Itoa(len(verify)),
	}
	words = append(words, verify...)
	if len(guards) > 0 {
		words = append(words, host.Guarded(guards, []string{"true"})...)
	}
	for _, word := range words {
		if strings.ContainsRune(word, 0) {
			return nil, fmt.Errorf("put %s: a word holds a NUL byte", name)
		}
	}
	return newRequest(opPut, host.DefaultLimit, words...), nil
}

// tempName is a temporary file's name beside its file's: the token tells leftovers of dead runs from what is being
// written, and the file's own name comes last since some programs that verify go by it.
func (w *Writer) tempName(name string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	base := path.Base(name)
	if len(base) > 180 {
		base = base[len(base)-180:]
	}
	return fmt.Sprintf(".bisc-tmp-%d-%s-%s", w.token.Load(), hex.EncodeToString(b[:]), base)
}

// tempPath is the temporary file of a put's request.
func tempPath(r *request) string { return path.Join(path.Dir(r.words[0]), r.words[6]) }

// putMark is what a put writes on stderr when it did not put, with exit status putFailed; see put.pl and shell.sh.
const (
	putMark   = "\x1ebisc-put "
	putFailed = 70
)

// putVerdict turns a put's answer into a step's error.
func putVerdict(name string, verify []string, a answer, err error) error {
	if err != nil {
		return named([]string{"put", name}, err)
	}
	if a.out.Exit != putFailed {
		return host.Verdict([]string{"put", name}, a.out)
	}
	said, mark := a.out.Stderr, []byte(putMark)
	at := bytes.LastIndex(said, mark)
	if at < 0 {
		return host.Verdict([]string{"put", name}, a.out)
	}
	word, rest, _ := strings.Cut(string(said[at+len(mark):]), " ")
	switch word {
	case "changed":
		return fmt.Errorf("put %s: %w", name, host.ErrChanged)
	case "digest":
		return fmt.Errorf("put %s: what arrived is not what was sent; the old file is kept", name)
	case "verify":
		n, _ := strconv.Atoi(strings.TrimSpace(rest))
		return &host.ExitError{Argv: verify, Exit: n, Stderr: append(bytes.Clone(a.out.Stdout), said[:at]...)}
	}
	return fmt.Errorf("put %s: %s", name, strings.TrimSpace(rest))
}

// withheld takes out of a step's error what its program wrote, where that may quote a secret.
func withheld(secret bool, err error) error {
	var exit *host.ExitError
	if secret && errors.As(err, &exit) && len(exit.Stderr) > 0 {
		exit.Stderr = []byte("its output is withheld because the content is secret")
	}
	return err
}

// edit reads the file, changes the lines and puts it, if nobody else has changed it since.
func (w *Writer) edit(ctx context.Context, e host.Edit) error {
	defer w.lockEdit(e.Path)()
	var st host.Stat
	var content []byte
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { st, err = w.Stat(ctx, e.Path); return err },
		func(ctx context.Context) (err error) { content, err = w.ReadFile(ctx, e.Path); return err },
	)
	p := host.Put{Path: e.Path, Verify: e.Verify, Guards: e.Guards}
	switch {
	case errors.Is(err, fs.ErrNotExist) && st.Type != host.Dangling:
		p.Was, p.Mode = host.Absent, 0o644
	case err != nil:
		return fmt.Errorf("edit %s: %w", e.Path, err)
	case st.Link != "":
		return fmt.Errorf("edit %s: it is a symbolic link to %s: name the file itself", e.Path, st.Link)
	default:
		sum := sha256.Sum256(content)
		p.Was, p.Mode, p.UID, p.GID = hex.EncodeToString(sum[:]), st.Mode, int(st.UID), int(st.GID)
	}
	if p.Content, err = host.EditLines(content, e.Drop, e.Add); err != nil {
		return fmt.Errorf("edit %s: %w", e.Path, err)
	}
	return w.put(ctx, p)
}

// lockEdit lets one edit of a file be at work: two that read before either put would both be right once only.
func (w *Writer) lockEdit(name string) (unlock func()) {
	w.mu.Lock()
	m := w.edits[name]
	if m == nil {
		m = &sync.Mutex{}
		w.edits[name] = m
	}
	w.mu.Unlock()
	m.Lock()
	return m.Unlock
}
