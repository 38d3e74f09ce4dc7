package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// login finds the keys to log in with. It dials the agent when the server asks for keys, not before (an agent's socket
// may have moved by then), and hangs up after the handshake.
type login struct {
	ctx     context.Context
	cfg     *Config
	typing  func() (done func()) // the time that a person takes is not the login's
	locked  *lockedKeys
	agents  []*keyAgent
	offered []string // what was offered, for the message
	missing []string // what could not be used, and why
	used    string   // the fingerprint of the key that signed last: once logged in, that is the one
}

func (l *login) method() ssh.AuthMethod { return ssh.PublicKeysCallback(l.noting) }

func (l *login) close() {
	for _, a := range l.agents {
		a.close()
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
	defer l.typing()()
	return l.locked.unlock(l.ctx, l.cfg, path, b)
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

// agentSigners asks the agent for its keys. Keys that are named (by fingerprint, or by an identity whose private half
// cannot be used) and that it does not have are looked for in this user's other agents: a socket moves when a session is
// opened anew, and the key is the same.
func (l *login) agentSigners() []ssh.Signer {
	sockets, off := l.cfg.agentSockets()
	if off {
		l.missing = append(l.missing, "the agent is switched off")
		return nil
	}
	if len(sockets) == 0 {
		l.missing = append(l.missing, "no agent: SSH_AUTH_SOCK is not set")
	}
	wanted := l.wanted()
	var signers []ssh.Signer
	for _, a := range l.ask(sockets) {
		for _, s := range a.signers {
			signers = append(signers, lasting{s, l})
		}
		if !a.hasOneOf(wanted) {
			l.missing = append(l.missing, a.describe())
		}
	}
	wanted = slices.DeleteFunc(wanted, func(print string) bool {
		return slices.ContainsFunc(signers, func(s ssh.Signer) bool { return ssh.FingerprintSHA256(s.PublicKey()) == print })
	})
	if len(wanted) == 0 {
		return signers
	}
	for _, s := range l.elsewhere(wanted, sockets) {
		signers = append(signers, s)
	}
	if l.cfg.AgentKey != "" && len(signers) == 0 {
		l.missing = append(l.missing, "agent_key "+l.cfg.AgentKey+" is in none of them")
	}
	return signers
}

// hasOneOf tells whether an agent has a key that is wanted; any will do where none is named.
func (a *keyAgent) hasOneOf(wanted []string) bool {
	if len(wanted) == 0 {
		return len(a.signers) > 0
	}
	return slices.ContainsFunc(wanted, func(print string) bool { return a.signer(print) != nil })
}

// wanted are the fingerprints of keys that only an agent can sign with.
func (l *login) wanted() []string {
	if l.cfg.AgentKey != "" {
		return []string{l.cfg.AgentKey}
	}
	var prints []string
	for _, path := range l.cfg.Identities {
		b, err := os.ReadFile(path)
		if err == nil {
			if _, err = ssh.ParsePrivateKey(b); err == nil {
				continue
			}
		}
		if public := publicHalf(path); public != nil {
			prints = append(prints, ssh.FingerprintSHA256(public))
		}
	}
	return prints
}

// elsewhere finds keys in the agents that were not asked yet; what those had is in l.missing.
func (l *login) elsewhere(wanted, asked []string) []lasting {
	others := slices.DeleteFunc(otherAgents(), func(s string) bool { return slices.Contains(asked, s) })
	var found []lasting
	agents := l.ask(others)
	for _, print := range wanted {
		at := slices.IndexFunc(agents, func(a *keyAgent) bool { return a.signer(print) != nil })
		if at >= 0 {
			found = append(found, lasting{agents[at].signer(print), l})
		}
	}
	for _, a := range agents {
		if !a.hasOneOf(wanted) {
			l.missing = append(l.missing, a.describe())
		}
	}
	return found
}

// ask keeps the agents for the signing.
func (l *login) ask(sockets []string) []*keyAgent {
	agents := askAgents(l.ctx, sockets)
	l.agents = append(l.agents, agents...)
	return agents
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
