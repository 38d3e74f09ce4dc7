package journal

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
)

//go:embed schema.sql
var tables string

// version reads the file's schema version, 0 for a file that nothing was written to, and refuses what is not a journal
// that this bisc can read.
func (j *Journal) version(ctx context.Context) (int, error) {
	var app, version, things int
	err := j.db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &things)
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the journal %s (move it away if it is damaged; a new one is made): %w", j.path, err)
	case app == 0 && version == 0 && things == 0:
		return 0, nil
	case app != applicationID:
		return 0, fmt.Errorf("%s: %w: move it away, or set XDG_STATE_HOME", j.path, ErrForeign)
	case version > SchemaVersion:
		return 0, fmt.Errorf("%s: %w: its schema is %d, and this one knows %d: use the newer bisc", j.path, ErrNewer, version, SchemaVersion)
	}
	return version, nil
}

// prepare makes the tables where there are none. Two processes may do so at the same moment: who comes second finds
// them.
func (j *Journal) prepare(ctx context.Context) error {
	version, err := j.version(ctx)
	if err != nil {
		return err
	}
	// Only now is it known that the file is ours, and the mode stays in it. Readers do not wait for writers in it.
	if _, err := j.db.ExecContext(ctx, `PRAGMA journal_mode = WAL`); err != nil {
		return fmt.Errorf("opening the journal %s: %w", j.path, err)
	}
	if version == SchemaVersion {
		return nil
	}
	return j.write(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, `SELECT user_version FROM pragma_user_version`).Scan(&version); err != nil {
			return err
		}
		if version == SchemaVersion {
			return nil
		}
		_, err := tx.ExecContext(ctx, tables+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, SchemaVersion))
		return err
	})
}

// write does f in a transaction that holds the file from its beginning. It is on disk when write returns nil.
func (j *Journal) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing to the journal %s: %w", j.path, err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // it tells nothing that err does not
		return fmt.Errorf("writing to the journal %s: %w", j.path, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("writing to the journal %s: %w", j.path, err)
	}
	return nil
}
