package sshhost

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"
)

// agentLimit is how long an agent may take to list its keys: one that is stopped takes connections and says nothing.
const agentLimit = 2 * time.Second

// keyAgent is what one agent's socket had.
type keyAgent struct {
	socket  string
	conn    net.Conn
	signers []ssh.Signer
	err     error
}

func (a *keyAgent) close() {
	if a.conn != nil {
		_ = a.conn.Close()
	}
}

// signer is the agent's key with a fingerprint, if it has it.
func (a *keyAgent) signer(print string) ssh.Signer {
	for _, s := range a.signers {
		if ssh.FingerprintSHA256(s.PublicKey()) == print {
			return s
		}
	}
	return nil
}

// describe says what an agent had, for an error that lists what was tried.
func (a *keyAgent) describe() string {
	switch {
	case a.err != nil:
		return fmt.Sprintf("agent %s: %v", a.socket, a.err)
	case len(a.signers) == 0:
		return fmt.Sprintf("agent %s: it has no keys (locked, or nothing added)", a.socket)
	}
	var prints []string
	for _, s := range a.signers {
		prints = append(prints, ssh.FingerprintSHA256(s.PublicKey()))
	}
	return fmt.Sprintf("agent %s: it has %s", a.socket, strings.Join(prints, ", "))
}

// askAgents asks sockets at once, so that five stale ones take no longer than one, and keeps their order.
func askAgents(ctx context.Context, sockets []string) []*keyAgent {
	agents := make([]*keyAgent, len(sockets))
	var all sync.WaitGroup
	for i, socket := range sockets {
		all.Go(func() { agents[i] = askAgent(ctx, socket) })
	}
	all.Wait()
	return agents
}

func askAgent(ctx context.Context, socket string) *keyAgent {
	a := &keyAgent{socket: socket}
	d := net.Dialer{Timeout: agentLimit}
	if a.conn, a.err = d.DialContext(ctx, "unix", socket); a.err != nil {
		return a
	}
	deadline := time.Now().Add(agentLimit)
	_ = a.conn.SetDeadline(deadline)
	a.signers, a.err = sshagent.NewClient(a.conn).Signers()
	if a.err != nil && !time.Now().Before(deadline) { // x/crypto does not wrap the reason
		a.err = fmt.Errorf("no answer in %s (is it stopped?)", agentLimit)
	}
	if a.err != nil {
		a.close()
		return a
	}
	// Signing may wait for a touch or a confirmation; it ends with the login.
	_ = a.conn.SetDeadline(time.Time{})
	context.AfterFunc(ctx, a.close)
	return a
}

// agentSockets are the sockets that ssh itself would use. IdentityAgent goes before SSH_AUTH_SOCK, and names a variable
// where it begins with a dollar sign.
func (c *Config) agentSockets() (sockets []string, off bool) {
	env := os.Getenv("SSH_AUTH_SOCK")
	switch named := c.AgentSocket; {
	case named == "none":
		return nil, true
	case named == "" || named == "SSH_AUTH_SOCK":
	case strings.HasPrefix(named, "$"):
		sockets = append(sockets, os.Getenv(strings.Trim(named, "${}")))
	default:
		sockets = append(sockets, named)
	}
	// With another agent named, ssh does not ask SSH_AUTH_SOCK's, and its keys are not offered without being named either.
	if len(sockets) == 0 || c.AgentKey != "" {
		sockets = append(sockets, env)
	}
	return slices.DeleteFunc(sockets, func(s string) bool { return s == "" }), false
}

// otherAgents lists agent sockets of this user where ssh-agent, sshd and desktops put them, newest first.
func otherAgents() []string {
	patterns := []string{"/tmp/ssh-*/agent.*", filepath.Join(os.TempDir(), "ssh-*", "agent.*")}
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		for _, name := range []string{"ssh-agent*", "openssh_agent", "keyring/ssh", "gcr/ssh", "gnupg/S.gpg-agent.ssh"} {
			patterns = append(patterns, filepath.Join(run, name))
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		patterns = append(patterns, filepath.Join(home, ".ssh", "agent*"), filepath.Join(home, ".ssh", "agent", "*"))
	}
	age := map[string]time.Time{}
	for _, p := range patterns {
		found, _ := filepath.Glob(p) // its only error is a bad pattern
		for _, path := range found {
			if st, ok := ours(path, fs.ModeSocket); ok {
				age[path] = st.ModTime()
			}
		}
	}
	sockets := make([]string, 0, len(age))
	for path := range age {
		sockets = append(sockets, path)
	}
	slices.SortFunc(sockets, func(a, b string) int {
		if c := age[b].Compare(age[a]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return sockets
}

// ours tells whether a path is of this type, is no link, and is this user's, as its folder is: in a folder of somebody
// else's a socket can be put in another's place.
func ours(path string, want fs.FileMode) (fs.FileInfo, bool) {
	st, err := os.Lstat(path)
	if err != nil || st.Mode().Type() != want {
		return nil, false
	}
	if owner, ok := st.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Getuid() {
		return nil, false
	}
	if want == fs.ModeDir {
		return st, true
	}
	_, ok := ours(filepath.Dir(path), fs.ModeDir)
	return st, ok
}

// lasting signs with a key of an agent; where that agent has gone since it listed its keys, with the same key of the
// agent that has come in its place.
type lasting struct {
	ssh.Signer
	l *login
}

// Sign signs with the key's own algorithm.
func (s lasting) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm signs as ssh.AlgorithmSigner says; an agent's signer always is one.
func (s lasting) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	sig, err := s.Signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand, data, algorithm)
	if err == nil || s.l.ctx.Err() != nil {
		return sig, err
	}
	again := s.l.elsewhere([]string{ssh.FingerprintSHA256(s.PublicKey())}, nil)
	if len(again) == 0 {
		return nil, fmt.Errorf("the agent went away: %w", err)
	}
	return again[0].Signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand, data, algorithm)
}

var _ ssh.AlgorithmSigner = lasting{}
