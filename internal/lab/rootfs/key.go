package rootfs

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// KeyFile is the private key that logs in to every host of this machine's labs; its public half is beside it.
func KeyFile() string { return filepath.Join(Cache, "id_ed25519") }

// ensureKey makes the lab's key pair once a machine and returns the public half as a line of authorized_keys.
func ensureKey() ([]byte, error) {
	public, err := os.ReadFile(KeyFile() + ".pub")
	if err == nil {
		return public, nil
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the lab's key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "bisc-lab")
	if err != nil {
		return nil, fmt.Errorf("make the lab's key: %w", err)
	}
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("make the lab's key: %w", err)
	}
	if err := os.WriteFile(KeyFile(), pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, fmt.Errorf("keep the lab's key: %w", err)
	}
	// The public half comes last: it is what says that the pair is whole.
	public = ssh.MarshalAuthorizedKey(line)
	if err := os.WriteFile(KeyFile()+".pub", public, 0o644); err != nil {
		return nil, fmt.Errorf("keep the lab's key: %w", err)
	}
	return public, nil
}
