package mutation

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Point is a place in the source that must have a mutation: a guard, a lock, an fsync, a deadline.
type Point struct {
	File string // from the module's root
	Line int    // 0: the file as a whole
	What string

	from, to int // bytes
}

// String is the place as editors take it.
func (p Point) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What) }

// guarding is what must not vanish from a file unseen. Each match is a point.
var guarding = []struct {
	file    string
	pattern *regexp.Regexp
}{
	{"internal/host/sshhost/agent.pl", regexp.MustCompile(`->sync\b|[^b] sync_folder\(\$|\bflock\(\$|\$SILENCE \* \$CLOCK|< \$j->\{end\}|< \$o->\{end\}|\? fenced\(\)`)},
	{"internal/host/sshhost/put.pl", regexp.MustCompile(`->sync\b|[^b] sync_folder\(\$|'digest'|'changed'`)},
	{"internal/host/sshhost/shell.sh", regexp.MustCompile(`\bflock -`)},
	{"internal/journal/journal.go", regexp.MustCompile(`synchronous\(FULL\)`)},
	{"internal/host/quote.go", regexp.MustCompile(`strings\.ReplaceAll`)},
}

// Points lists what must have a mutation: each guard's script, and what guarding finds.
func Points(root string) ([]Point, error) {
	scripts, err := filepath.Glob(filepath.Join(root, "internal/host/guards/*.sh"))
	if err != nil {
		return nil, err
	}
	var points []Point
	for _, s := range scripts {
		points = append(points, Point{File: "internal/host/guards/" + filepath.Base(s), What: "a guard"})
	}
	for _, g := range guarding {
		b, err := os.ReadFile(filepath.Join(root, g.file))
		if err != nil {
			return nil, err
		}
		text := string(b)
		for _, at := range g.pattern.FindAllStringIndex(text, -1) {
			line := strings.Count(text[:at[0]], "\n")
			if strings.HasPrefix(strings.TrimSpace(strings.Split(text, "\n")[line]), "#") {
				continue
			}
			points = append(points, Point{File: g.file, Line: line + 1, What: text[at[0]:at[1]], from: at[0], to: at[1]})
		}
	}
	return points, nil
}

// Missing are the points that no mutation takes out.
func Missing(root string, points []Point, all []Mutation) ([]Point, error) {
	changes := map[string][]change{}
	var errs []error
	for _, m := range all {
		c, err := m.find(root)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		changes[m.File] = append(changes[m.File], c)
	}
	var missing []Point
	for _, p := range points {
		if !taken(p, changes[p.File]) {
			missing = append(missing, p)
		}
	}
	return missing, errors.Join(errs...)
}

func taken(p Point, changes []change) bool {
	for _, c := range changes {
		if p.Line == 0 || c.from < p.to && p.from < c.to {
			return true
		}
	}
	return false
}
