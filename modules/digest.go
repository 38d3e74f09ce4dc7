package modules

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
