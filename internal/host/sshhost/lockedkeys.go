package sshhost

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"

	"golang.org/x/crypto/ssh"
)

// passphraseTries is how often a passphrase is asked for, as ssh does.
const passphraseTries = 3

// lockedKeys are the encrypted identities of a run: each one's passphrase is asked for once, however many hosts want it.
type lockedKeys struct {
	mu   sync.Mutex
	keys map[string]*lockedKey
}

type lockedKey struct {
	asking sync.Mutex
	signer ssh.Signer
	err    error
}

// unlock asks for the passphrase of the key file at path with the content b. An asking that ctx ended does not count.
func (l *lockedKeys) unlock(ctx context.Context, cfg *Config, path string, b []byte) (ssh.Signer, error) {
	l.mu.Lock()
	if l.keys == nil {
		l.keys = map[string]*lockedKey{}
	}
	k := l.keys[path]
	if k == nil {
		k = &lockedKey{}
		l.keys[path] = k
	}
	l.mu.Unlock()
	k.asking.Lock()
	defer k.asking.Unlock()
	if k.signer != nil || k.err != nil {
		return k.signer, k.err
	}
	for range passphraseTries {
		phrase, err := cfg.Passphrase(ctx, path)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			k.err = err
			return nil, err
		}
		k.signer, k.err = ssh.ParsePrivateKeyWithPassphrase(b, []byte(phrase))
		if !errors.Is(k.err, x509.IncorrectPasswordError) {
			break
		}
	}
	return k.signer, k.err
}
