package front

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Heard is one thing that a client did: a line that it sent, or a session or connection that it opened.
type Heard struct {
	At   time.Time
	Face string // "ssh" (a connection), "shell", "exec", "sftp", "scp", "forward", "eapi" (a request), "bash"
	Conn int64  // the connection; eAPI's have numbers of their own
	TTY  string // of the CLI context
	User string
	// Prompt is the prompt at which the line came; Line is the line. A password's is "(secret)". Of what is opened and no line, Line is
	// empty and Detail says what.
	Prompt, Line, Detail string
	// Fault says what was done instead of an answer.
	Fault string
}

// Log is what was heard, in order.
type Log struct {
	mu      sync.Mutex
	heard   []Heard
	changed chan struct{} // closed when there is more
}

func (l *Log) add(h Heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.At = time.Now()
	l.heard = append(l.heard, h)
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// All gives everything that was heard.
func (l *Log) All() []Heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard)
}

// Lines gives the lines alone that a CLI was sent: all faces', without comments and empty ones.
func (l *Log) Lines() []string {
	var lines []string
	for _, h := range l.All() {
		if h.Line != "" && h.Line[0] != '!' {
			lines = append(lines, h.Line)
		}
	}
	return lines
}

// Count says how many entries there are of a face that are no lines: connections of "ssh", sessions of "shell", requests of "eapi".
func (l *Log) Count(face string) int {
	n := 0
	for _, h := range l.All() {
		if h.Face == face && h.Line == "" {
			n++
		}
	}
	return n
}

// Forget begins anew.
func (l *Log) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = nil
}

// Await waits for the n-th line (from 1) that matches a regular expression, and gives it.
func (l *Log) Await(ctx context.Context, match string, n int) (Heard, error) {
	re, err := regexp.Compile(match)
	if err != nil {
		return Heard{}, fmt.Errorf("wait for a line: %w", err)
	}
	for {
		l.mu.Lock()
		left := n
		for _, h := range l.heard {
			if h.Line == "" || !re.MatchString(h.Line) {
				continue
			}
			if left--; left == 0 {
				l.mu.Unlock()
				return h, nil
			}
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Heard{}, fmt.Errorf("wait for line %d that matches %q: %w", n, match, context.Cause(ctx))
		}
	}
}
