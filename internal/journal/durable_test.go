package journal

import "testing"

// A record is on disk when its append returns: SQLite syncs its log at each commit only with synchronous=FULL (2).
func TestEachCommitIsSynced(t *testing.T) {
	j := open(t)
	var synchronous int
	var mode string
	if err := j.db.QueryRow(`SELECT (SELECT synchronous FROM pragma_synchronous), (SELECT journal_mode FROM pragma_journal_mode)`).Scan(&synchronous, &mode); err != nil {
		t.Fatal(err)
	}
	if synchronous != 2 || mode != "wal" {
		t.Errorf("synchronous %d, journal mode %s", synchronous, mode)
	}
}
