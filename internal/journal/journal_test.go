package journal

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bisc/layers"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) *Journal {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "state", "bisc", "journal.db"))
}

func reopen(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func begin(t *testing.T, j *Journal, id string, started time.Time) *RunLog {
	t.Helper()
	l, err := j.Begin(t.Context(), Run{ID: id, User: "alice", Machine: "desk", Verb: "apply", Plan: "p1", Version: "v1",
		Args: []string{"apply", "--set", "token=hunter2"}, Started: started})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func step(name string, at time.Time) layers.Intent {
	return layers.Intent{Host: "biscayne", Address: "biscayne:storage.mount[/srv]", Step: name, Digest: "d-" + name, At: at}
}

func TestRunIsReadBack(t *testing.T) {
	ctx := t.Context()
	j := open(t)
	l := begin(t, j, "20260801-120000-aaaa", noon)
	in := step("mkfs", noon.Add(time.Second))
	in.Destroys = []string{"the file system\n\x1b[2J"}
	first, err := l.Intend(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(ctx, first, layers.Result{State: layers.FailedStep, Err: "exit status 1", At: noon.Add(2 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Intend(ctx, step("mount", noon.Add(3*time.Second))); err != nil {
		t.Fatal(err)
	}
	info, acts, err := reopen(t, j.Path()).Run(ctx, "20260801-120000-aaaa")
	if err != nil {
		t.Fatal(err)
	}
	want := []Act{
		{ID: 2, Run: info.ID, Host: "biscayne", Address: in.Address, Step: "mkfs", Digest: "d-mkfs", Destroys: in.Destroys,
			At: in.At, State: layers.FailedStep, Err: "exit status 1", Settled: noon.Add(2 * time.Second)},
		{ID: 4, Run: info.ID, Host: "biscayne", Address: in.Address, Step: "mount", Digest: "d-mount", At: noon.Add(3 * time.Second),
			State: layers.UnknownResult},
	}
	if d := cmp.Diff(want, acts); d != "" {
		t.Errorf("acts (-want +got):\n%s", d)
	}
	if !info.Ended.IsZero() || info.User != "alice" || !info.Started.Equal(noon) {
		t.Errorf("the run: %+v", info)
	}
	if err := l.End(ctx, 1, "1 failed"); err != nil {
		t.Fatal(err)
	}
	if info, _, _ = j.Run(ctx, info.ID); info.Exit != 1 || info.Summary != "1 failed" || info.Ended.IsZero() {
		t.Errorf("the ended run: %+v", info)
	}
}

func TestRunsNewestFirst(t *testing.T) {
	j := open(t)
	for i, id := range []string{"20260801-120000-aaaa", "20260801-130000-bbbb", "20260802-090000-cccc"} {
		begin(t, j, id, noon.Add(time.Duration(i)*time.Hour))
	}
	ids := func(limit int) []string {
		runs, err := j.Runs(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, r := range runs {
			out = append(out, r.ID)
		}
		return out
	}
	if got := ids(2); !slices.Equal(got, []string{"20260802-090000-cccc", "20260801-130000-bbbb"}) {
		t.Errorf("two: %v", got)
	}
	if got := ids(0); len(got) != 3 {
		t.Errorf("all: %v", got)
	}
	for id, want := range map[string]string{"20260802": "20260802-090000-cccc", "bbbb": "20260801-130000-bbbb", "20260801": "", "": "", "%": ""} {
		info, _, err := j.Run(t.Context(), id)
		if info.ID != want || (want == "") != errors.Is(err, ErrNoRun) {
			t.Errorf("run %q: got %q, %v", id, info.ID, err)
		}
	}
}

// Rule 12: --set may carry a secret, and the journal is read by whoever has it.
func TestValuesOfSetAreMasked(t *testing.T) {
	j := open(t)
	l, err := j.Begin(t.Context(), Run{ID: "r", Started: noon, Args: []string{"run", "x", "--set", "a=hunter2", "--set=b=hunter2=1", "--set", "hunter2", "--host", "h"}})
	if err != nil {
		t.Fatal(err)
	}
	info, _, err := j.Run(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"run", "x", "--set", "a=…", "--set=b=…", "--set", "…", "--host", "h"}; !slices.Equal(info.Args, want) {
		t.Errorf("got %q, want %q", info.Args, want)
	}
	if err := l.End(t.Context(), 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	if len(b) == 0 || strings.Contains(string(b), "hunter2") {
		t.Errorf("the file (%d bytes) holds the secret", len(b))
	}
}

func TestFilesAreTheUsersOwn(t *testing.T) {
	j := open(t)
	begin(t, j, "r", noon)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(j.Path() + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("journal.db%s has mode %04o", suffix, info.Mode().Perm())
		}
	}
	info, err := os.Stat(filepath.Dir(j.Path()))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	if err := errors.Join(j.Close(), os.Chmod(j.Path(), 0o644)); err != nil {
		t.Fatal(err)
	}
	reopen(t, j.Path())
	if info, _ := os.Stat(j.Path()); info.Mode().Perm() != 0o600 {
		t.Errorf("opened wide, it stays %04o", info.Mode().Perm())
	}
}

// What makes an intent durable before its act is not left to SQLite's defaults.
func TestAppendsAreSynced(t *testing.T) {
	j := open(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000"} {
		var got string
		if err := j.db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, want %q (%v)", pragma, got, want, err)
		}
	}
}

func TestDefaultPath(t *testing.T) {
	t.Setenv("HOME", "/home/alice")
	for state, want := range map[string]string{
		"":           "/home/alice/.local/state/bisc/journal.db",
		"relative":   "/home/alice/.local/state/bisc/journal.db",
		"/var/state": "/var/state/bisc/journal.db",
	} {
		t.Setenv("XDG_STATE_HOME", state)
		if got, err := DefaultPath(); got != want || err != nil {
			t.Errorf("XDG_STATE_HOME=%q: got %q, %v", state, got, err)
		}
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_STATE_HOME", "")
	if got, err := DefaultPath(); err == nil {
		t.Errorf("without a home: got %q", got)
	}
}

func foreign(t *testing.T, path string) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE x (y)"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
}

func TestFilesThatAreNoJournal(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"somebody else's database": {foreign, ErrForeign},
		"of a newer bisc": {func(t *testing.T, path string) {
			j := reopen(t, path)
			if _, err := j.db.Exec("PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
			_ = j.Close()
		}, ErrNewer},
		"no database": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, nil},
	} {
		path := filepath.Join(t.TempDir(), "journal.db")
		c.make(t, path)
		before, _ := os.ReadFile(path)
		for what, open := range map[string]func() (*Journal, error){
			"Open":         func() (*Journal, error) { return Open(t.Context(), path) },
			"OpenExisting": func() (*Journal, error) { return OpenExisting(t.Context(), path) },
		} {
			_, err := open()
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: got %v", name, what, err)
			}
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s: it was changed", name)
		}
	}
}

func TestOpenExisting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "journal.db")
	if _, err := OpenExisting(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where there is none: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it made the folder: %v", err)
	}
	j := open(t)
	begin(t, j, "r", noon)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenExisting(t.Context(), j.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, err := r.Run(t.Context(), "r"); err != nil {
		t.Errorf("reading: %v", err)
	}
	if _, err := r.Begin(t.Context(), Run{ID: "s"}); err == nil {
		t.Error("it can be written to")
	}
}

func TestNewRunID(t *testing.T) {
	a, b := runID(noon), runID(noon.Add(time.Second))
	if a >= b || len(a) != 20 || !strings.HasPrefix(a, "20260801-120000-") {
		t.Errorf("%s and %s", a, b)
	}
	if NewRunID() == NewRunID() {
		t.Error("the same twice")
	}
}
