package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"bisc/internal/signature"
	"bisc/layers"
)

// signing is how plan writes a signature.
type signing struct {
	sign bool
	key  string
}

func (g *signing) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&g.sign, "sign", false, "with --out: also sign the file with your SSH key, into FILE.sig (as ssh-keygen -Y sign -n "+signature.Namespace+")")
	cmd.Flags().StringVar(&g.key, "sign-key", "", "with --sign: the key, by its fingerprint (SHA256:...) in the agent, or by its file (default: the agent's only one)")
}

// writeSignature signs what is about to be written as a plan file, and puts the signature beside it first: a plan file
// without its signature is refused where one is required, and a signature without its file is nothing.
func (s *session) writeSignature(ctx context.Context, name string, text []byte, by signing) error {
	if !by.sign {
		if err := os.Remove(name + ".sig"); err != nil && !errors.Is(err, fs.ErrNotExist) { // that of an older file
			return fmt.Errorf("writing the plan file: %w", err)
		}
		return nil
	}
	signer, done, err := findSigner(ctx, by.key, os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return fmt.Errorf("signing the plan file: %w", err)
	}
	defer done()
	sig, err := signature.Sign(text, signer)
	if err != nil {
		return fmt.Errorf("signing the plan file: %w", err)
	}
	if err := writeWhole(name+".sig", sig, 0o600); err != nil {
		return fmt.Errorf("writing the signature: %w", err)
	}
	fmt.Fprintf(s.c.errs, "bisc: signed by %s, in %s.sig\n", ssh.FingerprintSHA256(signer.PublicKey()), name)
	return nil
}

// findSigner finds the key that want names: a fingerprint, a file of the private or public half, or nothing for the only
// key of the agent.
func findSigner(ctx context.Context, want, socket string) (signer ssh.Signer, done func(), err error) {
	done = func() {}
	print := want
	if want != "" && !strings.HasPrefix(want, "SHA256:") {
		if signer, print, err = keyOfFile(want); err != nil || signer != nil {
			return signer, done, err
		}
	}
	if socket == "" {
		return nil, done, errors.New("there is no agent (SSH_AUTH_SOCK is not set): start one and add the key with ssh-add, or name a key's file with --sign-key")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, done, fmt.Errorf("reaching the agent: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(agentLimit)) // it may ask its owner to touch a key
	keys, err := sshagent.NewClient(conn).Signers()
	done = func() { _ = conn.Close() }
	if err != nil {
		return nil, done, fmt.Errorf("asking the agent for its keys: %w", err)
	}
	var have []string
	for _, k := range keys {
		have = append(have, ssh.FingerprintSHA256(k.PublicKey()))
	}
	if print == "" && len(keys) == 1 {
		return keys[0], done, nil
	}
	if at := slices.Index(have, print); at >= 0 {
		return keys[at], done, nil
	}
	return nil, done, fmt.Errorf("which key? --sign-key names one of the agent's: %s", strings.Join(have, ", "))
}

// agentLimit is how long an agent may take to sign: its owner may have to touch a key, or to type.
const agentLimit = 2 * time.Minute

// keyOfFile reads a private key that is not encrypted, or the fingerprint of one that the agent may have.
func keyOfFile(name string) (signer ssh.Signer, print string, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, "", err
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(b); err == nil {
		return nil, ssh.FingerprintSHA256(public), nil
	}
	signer, err = ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		half, err := os.ReadFile(name + ".pub")
		if err != nil {
			return nil, "", fmt.Errorf("%s is encrypted: add it to the agent with ssh-add; its public half was not found: %w", name, err)
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey(half)
		if err != nil {
			return nil, "", fmt.Errorf("%s.pub: %w", name, err)
		}
		return nil, ssh.FingerprintSHA256(public), nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	return signer, "", nil
}

// trusting is whose signature apply takes.
type trusting struct {
	allowed string // allowed_signers file
	require bool
}

func (g *trusting) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&g.allowed, "allowed-signers", envOr("BISC_ALLOWED_SIGNERS", ""), "who may sign a plan file: an allowed_signers file as ssh-keygen(1) has it ($BISC_ALLOWED_SIGNERS)")
	cmd.Flags().BoolVar(&g.require, "require-signature", os.Getenv("BISC_REQUIRE_SIGNATURE") != "", "refuse a plan file that no allowed signer has signed, and rounds that are approved otherwise ($BISC_REQUIRE_SIGNATURE)")
}

// signedBy finds out who signed a plan file; nobody, where it has no signature and none is required.
func (s *session) signedBy(name string, text []byte, trust trusting) (signature.Signer, error) {
	sig, err := os.ReadFile(name + ".sig")
	switch {
	case errors.Is(err, fs.ErrNotExist) && trust.require:
		return signature.Signer{}, fmt.Errorf("%w: there is no %s.sig: bisc plan --out FILE --sign, or ssh-keygen -Y sign -n %s FILE", layers.ErrUnsigned, name, signature.Namespace)
	case errors.Is(err, fs.ErrNotExist):
		return signature.Signer{}, nil
	case err != nil:
		return signature.Signer{}, fmt.Errorf("reading the signature: %w", err)
	case trust.allowed == "" && trust.require:
		return signature.Signer{}, fmt.Errorf("%w: nobody may, as no --allowed-signers are named", layers.ErrUnsigned)
	case trust.allowed == "":
		fmt.Fprintf(s.c.errs, "bisc: %s.sig is not looked at: no --allowed-signers are named\n", name)
		return signature.Signer{}, nil
	}
	lines, err := os.ReadFile(trust.allowed)
	if err != nil {
		return signature.Signer{}, fmt.Errorf("reading the allowed signers: %w", err)
	}
	allowed, err := signature.ParseAllowed(trust.allowed, lines)
	if err != nil {
		return signature.Signer{}, fmt.Errorf("reading the allowed signers: %w", err)
	}
	by, err := allowed.Check(text, sig, time.Now())
	if err != nil {
		return by, fmt.Errorf("%w: %s.sig: %w", layers.ErrUnsigned, name, err)
	}
	return by, nil
}
