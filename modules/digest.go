package modules

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

type keyOf struct{}

// WithDigestKey gives Plan the key under which digests of secrets are made: bisc's own, so that they compare across runs
// and tell nobody else anything.
func WithDigestKey(ctx context.Context, key []byte) context.Context {
	return context.WithValue(ctx, keyOf{}, key)
}

// SecretDigest is what a diff shows in place of a secret: 12 hex digits of an HMAC-SHA-256.
func SecretDigest(ctx context.Context, secret []byte) string {
	key, _ := ctx.Value(keyOf{}).([]byte)
	mac := hmac.New(sha256.New, key)
	mac.Write(secret)
	return "secret:" + hex.EncodeToString(mac.Sum(nil)[:6])
}

type runOf struct{}

// Run is who does what, as a resource that leaves a trace on its host needs it. A runbook that is taken up again has the values of
// its first run.
type Run struct {
	ID, Who string
	Started time.Time
}

// WithRun gives Plan the run that it serves.
func WithRun(ctx context.Context, r Run) context.Context { return context.WithValue(ctx, runOf{}, r) }

// RunOf is the run that WithRun gave; zero where there is none.
func RunOf(ctx context.Context) Run {
	r, _ := ctx.Value(runOf{}).(Run)
	return r
}
