package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"bisc/internal/source"
)

const (
	maxIdentity  = 1 << 20 // bytes of an identity file
	maxDecrypted = 16 << 20
	binaryHeader = "age-encryption.org/v1\n"
)

// identities are those of AgeIdentityEnv, read once a run: a person is asked for a passphrase once.
type identities struct {
	from string
	list []age.Identity
	err  error
}

// Open decrypts an age file, armored or not, with the identities of AgeIdentityEnv. name is for messages.
func (k *Keeper) Open(name string, content []byte) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.identities == nil {
		ids := k.readIdentities(name)
		if k.ctx.Err() != nil {
			return "", context.Cause(k.ctx)
		}
		k.identities = &ids
	}
	ids := k.identities
	if ids.err != nil {
		return "", ids.err
	}
	secret, err := decrypt(content, ids.list...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return "", fmt.Errorf("opening %s: it is encrypted to nobody whose identity is in %s (%s)", name, ids.from, AgeIdentityEnv)
	case err != nil:
		return "", fmt.Errorf("opening %s: %w", name, err)
	case !utf8.Valid(secret):
		return "", fmt.Errorf("what %s holds is not UTF-8 text", name)
	}
	return string(secret), nil
}

func decrypt(content []byte, with ...age.Identity) ([]byte, error) {
	var in io.Reader = bytes.NewReader(content)
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	out, err := age.Decrypt(in, with...)
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(out, maxDecrypted+1))
	if err == nil && len(plain) > maxDecrypted {
		err = fmt.Errorf("it holds more than %d MiB", maxDecrypted>>20)
	}
	return plain, err
}

func (k *Keeper) readIdentities(wanted string) identities {
	path, ok := k.Env(AgeIdentityEnv)
	if !ok || path == "" {
		return identities{err: fmt.Errorf("opening %s needs an identity: set %s to the path of an age identity file or of an SSH private key", wanted, AgeIdentityEnv)}
	}
	text, err := source.ReadFile(path, maxIdentity)
	if err != nil {
		return identities{err: fmt.Errorf("the age identity: %w", err)}
	}
	list, err := k.parseIdentities(path, text)
	if err != nil {
		return identities{err: fmt.Errorf("reading the age identity %s: %w", path, err)}
	}
	return identities{from: path, list: list}
}

// parseIdentities takes age's own file, one that is itself encrypted with a passphrase, and an SSH private key.
func (k *Keeper) parseIdentities(path string, text []byte) ([]age.Identity, error) {
	trimmed := bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(text, []byte(binaryHeader)), bytes.HasPrefix(trimmed, []byte(armor.Header)):
		return k.lockedIdentities(path, text)
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN")):
		id, err := k.sshIdentity(path, text)
		return []age.Identity{id}, err
	}
	list, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("it is no age identity file (AGE-SECRET-KEY-... lines), no SSH private key, and none of the two encrypted") // age's own words quote the line
	}
	return list, nil
}

func (k *Keeper) lockedIdentities(path string, text []byte) ([]age.Identity, error) {
	pass, err := k.passphrase(path)
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		return nil, err
	}
	plain, err := decrypt(text, id)
	if err != nil {
		return nil, errors.New("the passphrase does not open it")
	}
	return k.parseIdentities(path, plain)
}

func (k *Keeper) sshIdentity(path string, pem []byte) (age.Identity, error) {
	id, err := agessh.ParseIdentity(pem)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return id, err
	}
	if locked.PublicKey == nil {
		return nil, errors.New("this key's form hides its public half: write it anew with ssh-keygen -p -f")
	}
	return agessh.NewEncryptedSSHIdentity(locked.PublicKey, pem, func() ([]byte, error) {
		pass, err := k.passphrase(path)
		return []byte(pass), err
	})
}

func (k *Keeper) passphrase(path string) (string, error) {
	if k.Ask == nil {
		return "", errors.New("it has a passphrase, and there is nobody to ask")
	}
	return k.Ask(k.ctx, "passphrase of "+path)
}
