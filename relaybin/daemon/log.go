package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// lines is a slog.Handler for a journal: one short line a record, "message key=value", no time (the journal has it). On
// journald each line starts with its priority, <6>; elsewhere with the program's name.
type lines struct {
	mu    *sync.Mutex
	w     io.Writer
	name  string // of the program, where no journal adds it
	attrs string
}

func newLog(name string, w io.Writer) *slog.Logger {
	if onJournal(w) {
		name = ""
	}
	return slog.New(&lines{mu: new(sync.Mutex), w: w, name: name})
}

// onJournal reports whether w is the stream that systemd connected to the journal. JOURNAL_STREAM alone does not tell:
// it is inherited by children whose stderr goes elsewhere.
func onJournal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

func (h *lines) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *lines) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if h.name == "" {
		fmt.Fprintf(&b, "<%d>", priority(r.Level))
	} else {
		b.WriteString(h.name + ": ")
	}
	b.WriteString(strings.ReplaceAll(r.Message, "\n", " "))
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool { b.WriteString(pair(a)); return true })
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

func (h *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	for _, a := range attrs {
		next.attrs += pair(a)
	}
	return &next
}

func (h *lines) WithGroup(string) slog.Handler { return h } // short lines have no groups

func pair(a slog.Attr) string {
	value := a.Value.Resolve().String()
	if value == "" || strings.ContainsAny(value, " \"=\n\t") {
		value = strconv.Quote(value)
	}
	return " " + a.Key + "=" + value
}

// priority is syslog's number for a level (RFC 5424, 6.2.1).
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	}
	return 6
}
