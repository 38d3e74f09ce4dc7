// Package files has the kinds file and command, and what every kind that writes a small file shares.
package files

import (
	"context"
	"fmt"
	"path"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// Wanted is a small file as it should be: whole content, mode and numeric owner.
type Wanted struct {
	Path     string
	Content  []byte
	Secret   bool
	Mode     uint32
	UID, GID int
	// Verify is run on the temporary file before it takes the old one's place; {path} stands for it.
	Verify []string
	// Boot marks the diffs as the persisted half: the file is read at boot, and something else tells the live half.
	Boot bool
	// DigestKeyed makes the digests that stand for secret content.
	DigestKeyed func(secret []byte) string
}

// Found is what stands at a path.
type Found struct {
	Exists  bool
	Stat    host.Stat
	Content []byte // of regular files
	// Parent is the folder's type; empty where there is none.
	Parent host.FileType
}

// Look reads a path, its content and its folder in one wave. The content of what is not a regular file is not read.
func Look(ctx context.Context, h host.Reader, name string) (Found, error) {
	var f Found
	var readErr error
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			f.Stat, f.Exists, err = host.StatIfThere(ctx, h, name)
			return err
		},
		func(ctx context.Context) error { f.Content, readErr = h.ReadFile(ctx, name); return nil },
		func(ctx context.Context) error {
			st, _, err := host.StatIfThere(ctx, h, path.Dir(name))
			f.Parent = st.Type
			return err
		},
	)
	switch {
	case err != nil:
		return f, err
	case !f.Exists || f.Stat.Type != host.Regular: // then a failed read says nothing new
		f.Content = nil
	case readErr != nil:
		return f, fmt.Errorf("read %s: %w", name, readErr)
	}
	return f, nil
}

// Change says what stands between f and w: at most one put, which mends all of it.
func (w Wanted) Change(f Found) modules.Change {
	var c modules.Change
	if why := obstacle(w.Path, f); why != "" {
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "content", Got: describe(f), Want: size(w.Content), Why: why, Boot: w.Boot})
		return c
	}
	c.Diffs = w.diffs(f)
	if c.InSync() {
		return c
	}
	c.Do(host.Put{
		Path: w.Path, Content: w.Content, Mode: w.Mode, UID: w.UID, GID: w.GID, Verify: w.Verify, Secret: w.Secret,
		Was: digestOf(f),
	})
	return c
}

func (w Wanted) diffs(f Found) []modules.Diff {
	var c modules.Change
	if !f.Exists || string(f.Content) != string(w.Content) {
		c.Diffs = append(c.Diffs, w.contentDiff(f))
	}
	if f.Exists {
		c.Differ("mode", fmt.Sprintf("%04o", f.Stat.Mode), fmt.Sprintf("%04o", w.Mode))
		c.Differ("owner", fmt.Sprint(f.Stat.UID), fmt.Sprint(w.UID))
		c.Differ("group", fmt.Sprint(f.Stat.GID), fmt.Sprint(w.GID))
	}
	for i := range c.Diffs {
		c.Diffs[i].Boot = w.Boot
	}
	return c.Diffs
}

func (w Wanted) contentDiff(f Found) modules.Diff {
	if !w.Secret {
		return TextDiff("content", w.Path, f.Content, w.Content)
	}
	d := modules.Diff{Attr: "content", Got: "(none)", Want: w.DigestKeyed(w.Content)}
	if f.Exists {
		d.Got = w.DigestKeyed(f.Content)
	}
	return d
}

// obstacle says why bisc does not write a file where this stands.
func obstacle(name string, f Found) string {
	switch {
	case f.Exists && f.Stat.Link != "":
		return fmt.Sprintf("%s is a symbolic link to %s: bisc writes through no link; name the file itself or remove the link", name, f.Stat.Link)
	case f.Exists && f.Stat.Type != host.Regular:
		return fmt.Sprintf("%s is a %s: bisc replaces only plain files", name, f.Stat.Type)
	case f.Parent == "":
		return fmt.Sprintf("the folder %s is not there: create it with a directory block, or mount what should hold it", path.Dir(name))
	case f.Parent != host.Directory:
		return fmt.Sprintf("%s is a %s, not a folder", path.Dir(name), f.Parent)
	}
	return ""
}

// Removal says what stands between f and no file at name. Only a plain file is removed, and only while it still has the
// content that was seen.
func Removal(name string, f Found) modules.Change {
	var c modules.Change
	if !f.Exists {
		return c
	}
	if f.Stat.Link != "" || f.Stat.Type != host.Regular {
		c.Refuse("absent", describe(f), "(none)", "bisc removes only plain files")
		return c
	}
	c.Differ("absent", describe(f), "(none)")
	c.Destroy(fmt.Sprintf("the file %s (%s)", name, size(f.Content)))
	c.Do(host.Remove{Path: name, Guards: []host.Guard{host.Unchanged(name, digestOf(f))}})
	return c
}

func digestOf(f Found) string {
	if !f.Exists {
		return host.Absent
	}
	return host.ContentDigest(append([]byte{}, f.Content...)) // never nil: an empty file is not an absent one
}

func describe(f Found) string {
	switch {
	case !f.Exists:
		return "(none)"
	case f.Stat.Link != "":
		return "link to " + f.Stat.Link
	case f.Stat.Type != host.Regular:
		return string(f.Stat.Type)
	}
	return size(f.Content)
}

func size(content []byte) string {
	text := fmt.Sprintf("%d bytes", len(content))
	switch lines := strings.Count(string(content), "\n"); {
	case !isText(content) || lines == 0:
	case lines == 1:
		text += ", 1 line"
	default:
		text += fmt.Sprintf(", %d lines", lines)
	}
	return text
}
