package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"
)

// login finds the keys to log in with. It dials the agent when the server asks for keys, not before (an agent's socket
// may have moved by then), and hangs up after the handshake.
type login struct {
	ctx     context.Context
	cfg     *Config
	agent   net.Conn
	offered []string // what was offered, for the message
	missing []string // what could not be used, and why
}

func (l *login) method() ssh.AuthMethod { return ssh.PublicKeysCallback(l.signers) }

func (l *login) close() {
	if l.agent != nil {
		_ = l.agent.Close()
	}
}

// signers lists the keys, best first: sshd allows six tries.
func (l *login) signers() ([]ssh.Signer, error) {
	fromAgent := l.agentSigners()
	var signers, rest []ssh.Signer
	for _, path := range l.cfg.Identities {
		if s := l.identity(path, fromAgent); s != nil {
			signers = append(signers, s)
			l.offered = append(l.offered, ssh.FingerprintSHA256(s.PublicKey())+" ("+path+")")
		}
	}
	for _, s := range fromAgent {
		print := ssh.FingerprintSHA256(s.PublicKey())
		if l.cfg.AgentKey != "" && print != l.cfg.AgentKey || l.cfg.IdentitiesOnly && l.cfg.AgentKey == "" {
			continue
		}
		rest = append(rest, s)
		l.offered = append(l.offered, print+" (agent)")
	}
	signers = append(signers, rest...)
	if len(signers) == 0 {
		return nil, fmt.Errorf("no key to log in with (%s): add one to the agent with ssh-add, or name one with identity in the inventory", strings.Join(l.missing, "; "))
	}
	return signers, nil
}

// identity loads a private key file. An encrypted one is used through the agent if it can be.
func (l *login) identity(path string, fromAgent []ssh.Signer) ssh.Signer {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if s := matching(publicHalf(path), fromAgent); s != nil { // a key that lives only in the agent
			return s
		}
		l.missing = append(l.missing, "no identity file "+path)
		return nil
	}
	if err != nil {
		l.missing = append(l.missing, err.Error())
		return nil
	}
	s, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		s, err = l.unlock(path, b, locked, fromAgent)
	}
	if err != nil {
		l.missing = append(l.missing, fmt.Sprintf("identity %s: %v", path, err))
		return nil
	}
	return s
}

func (l *login) unlock(path string, b []byte, locked *ssh.PassphraseMissingError, fromAgent []ssh.Signer) (ssh.Signer, error) {
	public := locked.PublicKey
	if public == nil {
		public = publicHalf(path)
	}
	if s := matching(public, fromAgent); s != nil {
		return s, nil
	}
	if l.cfg.Passphrase == nil {
		return nil, errors.New("it is encrypted, and the agent does not have it: add it with ssh-add")
	}
	phrase, err := l.cfg.Passphrase(l.ctx, path)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKeyWithPassphrase(b, []byte(phrase))
}

func publicHalf(path string) ssh.PublicKey {
	b, err := os.ReadFile(path + ".pub")
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(b)
	if err != nil {
		return nil
	}
	return key
}

func matching(public ssh.PublicKey, signers []ssh.Signer) ssh.Signer {
	if public == nil {
		return nil
	}
	for _, s := range signers {
		if ssh.FingerprintSHA256(s.PublicKey()) == ssh.FingerprintSHA256(public) {
			return s
		}
	}
	return nil
}

// agentSigners asks the agent for its keys; where one key is pinned and the usual socket does not have it, the other
// agents of this user are asked.
func (l *login) agentSigners() []ssh.Signer {
	socket := l.cfg.AgentSocket
	if socket == "" {
		socket = os.Getenv("SSH_AUTH_SOCK")
	}
	switch socket {
	case "none":
		l.missing = append(l.missing, "the agent is switched off")
		return nil
	case "":
		l.missing = append(l.missing, "no agent: SSH_AUTH_SOCK is not set")
	default:
		signers, err := l.ask(socket)
		if err == nil && l.has(signers) {
			return signers
		}
		if err == nil {
			err = fmt.Errorf("it does not have the key wanted (%s)", l.cfg.AgentKey)
			if len(signers) == 0 {
				err = errors.New("it has no keys (locked, or nothing added)")
			}
		}
		l.missing = append(l.missing, fmt.Sprintf("agent %s: %v", socket, err))
	}
	if l.cfg.AgentKey == "" {
		return nil
	}
	for _, other := range otherAgents() {
		if signers, err := l.ask(other); other != socket && err == nil && l.has(signers) {
			return signers
		}
	}
	return nil
}

func (l *login) has(signers []ssh.Signer) bool {
	for _, s := range signers {
		if l.cfg.AgentKey == "" || ssh.FingerprintSHA256(s.PublicKey()) == l.cfg.AgentKey {
			return true
		}
	}
	return false
}

func (l *login) ask(socket string) ([]ssh.Signer, error) {
	l.close()
	var d net.Dialer
	c, err := d.DialContext(l.ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	if deadline, ok := l.ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline)
	}
	l.agent = c
	return sshagent.NewClient(c).Signers()
}

// otherAgents lists agent sockets of this user where ssh-agent and sshd put them.
func otherAgents() []string {
	var mine []string
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), "ssh-*", "agent.*"))
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		found = append(found, filepath.Join(run, "ssh-agent.socket"), filepath.Join(run, "keyring", "ssh"))
	}
	for _, path := range found {
		st, err := os.Lstat(path)
		if err != nil || st.Mode()&fs.ModeSocket == 0 {
			continue
		}
		if owner, ok := st.Sys().(*syscall.Stat_t); ok && int(owner.Uid) == os.Getuid() {
			mine = append(mine, path)
		}
	}
	return mine
}

func (c *Config) user() string {
	if c.User != "" {
		return c.User
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "root"
}
