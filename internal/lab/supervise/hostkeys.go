package supervise

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// hostKeys makes sshd's keys and returns the public halves: a host's identity is never another's.
func (l layer) hostKeys(name string) ([]string, error) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make host keys: %w", err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make host keys: %w", err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048) // 3072 costs half a second, and 60 hosts start side by side
	if err != nil {
		return nil, fmt.Errorf("make host keys: %w", err)
	}
	var public []string
	for _, k := range []struct {
		kind string
		key  crypto.Signer
	}{{"ed25519", ed}, {"ecdsa", ec}, {"rsa", rs}} {
		block, err := ssh.MarshalPrivateKey(k.key, "root@"+name)
		if err != nil {
			return nil, fmt.Errorf("make host keys: %w", err)
		}
		pub, err := ssh.NewPublicKey(k.key.Public())
		if err != nil {
			return nil, fmt.Errorf("make host keys: %w", err)
		}
		line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))
		file := "etc/ssh/ssh_host_" + k.kind + "_key"
		if err := l.file(file, 0o600, string(pem.EncodeToMemory(block))); err != nil {
			return nil, err
		}
		if err := l.file(file+".pub", 0o644, line+" root@"+name+"\n"); err != nil {
			return nil, err
		}
		public = append(public, line)
	}
	return public, nil
}
