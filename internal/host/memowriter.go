package host

import (
	"context"
	"time"
)

// MemoWriter is a Memo over a Writer: whatever may change the host empties it.
type MemoWriter struct {
	*Memo
	w Writer
}

// NewMemoWriter wraps w.
func NewMemoWriter(w Writer) *MemoWriter { return &MemoWriter{Memo: NewMemo(w), w: w} }

// Do acts and forgets every answer, whether it worked or not.
func (m *MemoWriter) Do(ctx context.Context, s Step) error { defer m.Forget(); return m.w.Do(ctx, s) }

// Stages tells what the host tells.
func (m *MemoWriter) Stages() bool { return m.w.Stages() }

// Commit changes the host, so every answer is forgotten.
func (m *MemoWriter) Commit(ctx context.Context) error { defer m.Forget(); return m.w.Commit(ctx) }

// Arm is what comes before a change.
func (m *MemoWriter) Arm(ctx context.Context, u Undo) error { return m.w.Arm(ctx, u) }

// Afresh is not remembered: what it answers is wanted because it is new.
func (m *MemoWriter) Afresh(ctx context.Context) (Reader, error) { return m.w.Afresh(ctx) }

// Confirm changes the host, so every answer is forgotten.
func (m *MemoWriter) Confirm(ctx context.Context) error { defer m.Forget(); return m.w.Confirm(ctx) }

// Revert changes the host, so every answer is forgotten.
func (m *MemoWriter) Revert(ctx context.Context) error { defer m.Forget(); return m.w.Revert(ctx) }

// Close ends the host's connection.
func (m *MemoWriter) Close() error { return m.w.Close() }

// Up is that of the wrapped host.
func (m *Memo) Up() <-chan struct{} { return Up(m.Reader) }

// AnswerLimit is that of the reader beneath.
func (m *Memo) AnswerLimit() time.Duration { return AnswerLimit(m.Reader) }

// HostKey is that of the wrapped host, where its transport has one.
func (m *Memo) HostKey() string {
	if k, ok := m.Reader.(interface{ HostKey() string }); ok {
		return k.HostKey()
	}
	return ""
}
