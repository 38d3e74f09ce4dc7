CREATE TABLE record (
  seq     INTEGER PRIMARY KEY,
  kind    TEXT NOT NULL CHECK (kind IN ('run', 'intent', 'result', 'end', 'seen')),
  at      TEXT NOT NULL, -- RFC 3339, UTC
  run     TEXT NOT NULL,
  host    TEXT NOT NULL,
  address TEXT NOT NULL,
  digest  TEXT NOT NULL, -- of the step (intent), or of what is wanted (seen)
  ref     INTEGER NOT NULL, -- of a result: its intent
  state   TEXT NOT NULL,
  body    TEXT NOT NULL, -- JSON: what no question is asked by
  hash    BLOB NOT NULL  -- SHA-256 over the hash before and this record
) STRICT;

CREATE INDEX record_of_run ON record (run, kind, seq);
CREATE INDEX record_of_address ON record (address, kind, seq);
CREATE INDEX record_runs ON record (seq) WHERE kind = 'run';
CREATE UNIQUE INDEX record_result ON record (ref) WHERE kind = 'result';

CREATE TRIGGER record_stays BEFORE UPDATE ON record BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER record_remains BEFORE DELETE ON record BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
