package mutation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// change is a mutation found in its file.
type change struct {
	path     string // of the file
	whole    string // the file with the guard taken out
	from, to int    // the bytes of the old file that really go or change
}

// find applies a mutation to the text of its file, below root. The old text must be there once: a guard that was rewritten
// has lost its mutation, and that must not go unseen.
func (m Mutation) find(root string) (change, error) {
	c := change{path: filepath.Join(root, m.File)}
	b, err := os.ReadFile(c.path)
	if err != nil {
		return c, fmt.Errorf("mutation %s: %w", m.Name, err)
	}
	text := string(b)
	if n := strings.Count(text, m.Old); n != 1 {
		return c, fmt.Errorf("mutation %s: its old text occurs %d times in %s, not once: mend the mutation", m.Name, n, m.File)
	}
	at := strings.Index(text, m.Old)
	c.whole = text[:at] + m.New + text[at+len(m.Old):]
	same, tail := 0, 0
	for same < min(len(m.Old), len(m.New)) && m.Old[same] == m.New[same] {
		same++
	}
	for tail < min(len(m.Old), len(m.New))-same && m.Old[len(m.Old)-1-tail] == m.New[len(m.New)-1-tail] {
		tail++
	}
	c.from, c.to = at+same, at+len(m.Old)-tail
	return c, nil
}
