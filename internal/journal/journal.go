// Package journal keeps evidence of what bisc intended, did and saw, in one SQLite file a user. It is no state: nothing
// that bisc decides about a host is read from it, but for whether a difference is drift or was never applied.
//
// It is append-only: one table of records, each with the SHA-256 of itself and of the one before.
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// SchemaVersion is the version of the file's tables.
const SchemaVersion = 1

// applicationID marks the file as a journal of bisc (SQLite's application_id): "bisc".
const applicationID = 0x62697363

// Sentinels that callers branch on.
var (
	// ErrNewer: the file was written by a newer bisc.
	ErrNewer = errors.New("the journal was written by a newer bisc")
	// ErrForeign: the file is a database of something else.
	ErrForeign = errors.New("not a journal of bisc")
	// ErrNoRun: no run, or more than one, has this id.
	ErrNoRun = errors.New("no such run")
)

// Journal is an open journal. Its methods may be called at the same time, and several processes may use one file.
type Journal struct {
	db   *sql.DB
	path string
}

// DefaultPath is journal.db in $XDG_STATE_HOME/bisc, or in ~/.local/state/bisc. A relative XDG_STATE_HOME is ignored, as
// the XDG base directory specification says.
func DefaultPath() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding the journal's folder (set XDG_STATE_HOME or HOME): %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "bisc", "journal.db"), nil
}

// Open opens the journal at path, and makes it, 0600 in a folder 0700, where there is none.
func Open(ctx context.Context, path string) (*Journal, error) {
	if err := create(path); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j, err := connect(path, "rw")
	if err != nil {
		return nil, err
	}
	if err := j.prepare(ctx); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// OpenExisting opens a journal to read it. The error is fs.ErrNotExist where there is none; nothing is made.
func OpenExisting(ctx context.Context, path string) (*Journal, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j, err := connect(path, "ro")
	if err != nil {
		return nil, err
	}
	version, err := j.version(ctx)
	if err == nil && version == 0 {
		err = fmt.Errorf("opening the journal %s: it is empty: %w", path, fs.ErrNotExist) // a maker died before its first write
	}
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// create makes the file before SQLite does, because SQLite would give it the umask's mode; its -wal and -shm inherit the
// file's. A file that others can read is closed to them: steps and addresses tell much about a host.
func create(path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return err
		}
	}
	if info.Size() > 0 {
		return nil
	}
	return syncFolder(folder) // so that the journal itself outlives a loss of power
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// connect sets what makes an append durable before it returns (FULL: an fsync for each transaction; 0.4 ms) and lets
// two processes wait for each other instead of failing.
func connect(path, mode string) (*Journal, error) {
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "synchronous(FULL)", "foreign_keys(ON)", "trusted_schema(OFF)"}}
	if mode == "ro" {
		q["_pragma"] = []string{"busy_timeout(10000)", "query_only(ON)"}
		q.Del("_txlock")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: abs, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("opening the journal %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return &Journal{db: db, path: path}, nil
}

// Close gives the file back.
func (j *Journal) Close() error {
	if err := j.db.Close(); err != nil {
		return fmt.Errorf("closing the journal %s: %w", j.path, err)
	}
	return nil
}

// Path is the file.
func (j *Journal) Path() string { return j.path }
