// Package sshhost reaches Linux hosts over SSH.
//
// A Pool makes connections; each host has one, and on it one privileged channel: one sudo, at whose far end a transient
// agent runs (agent.pl, sent over stdin, nothing is installed). Questions are gathered into waves and written at once, so
// that a run costs the same few turns whatever the number of its resources. Where there is no Perl, a few shells take
// the agent's place.
//
// Open gives a reader, which cannot write and leaves nothing on the host; OpenWriter takes the host's lock.
package sshhost

import (
	"context"
	"net"
	"strconv"
	"time"

	"bisc/internal/host"
)

// Become says how root is reached from the login user.
type Become string

// The ways to become root.
const (
	BecomeNone Become = "none" // the login user is used as it is
	Sudo       Become = "sudo"
)

// Config is how to reach one host. It is plain data; the zero value of a field means the default named with it.
type Config struct {
	// Name is the host's name in the inventory, used in messages and for %n.
	Name string
	// Addresses are tried in order; none means Name.
	Addresses []string
	Port      int    // 0: 22
	User      string // empty: the name of the user who runs bisc
	// Jump is the host to go through, which may itself have one.
	Jump *Config

	// HostKeys pins the host's keys ("SHA256:..." fingerprints, or "ssh-ed25519 AAAA..." keys). With pins no known_hosts
	// file is read.
	HostKeys []string
	// KnownHosts are known_hosts files; those that are not there are passed over. None means OpenSSH's own four.
	KnownHosts []string
	// HostKeyAlias is looked up in them instead of the address.
	HostKeyAlias string

	// Identities are private key files. Missing ones are passed over. An encrypted one is used through the agent if that
	// has it, else Passphrase is asked.
	Identities []string
	// IdentitiesOnly offers no agent key but those of Identities.
	IdentitiesOnly bool
	// AgentSocket is the agent's socket: empty for $SSH_AUTH_SOCK, "none" for no agent, "$NAME" for a variable's.
	AgentSocket string
	// AgentKey is the fingerprint ("SHA256:...") of the one agent key to offer. With it, an agent whose socket has moved
	// is looked for: in $SSH_AUTH_SOCK, and then in the sockets of this user in /tmp/ssh-*, $TMPDIR, $XDG_RUNTIME_DIR and
	// ~/.ssh, newest first.
	AgentKey   string
	Passphrase func(ctx context.Context, path string) (string, error)

	// Reconnected is told when the connection was lost, and why, and stands again.
	Reconnected func(host string, why error)

	Become Become // empty: none for root, else Sudo
	// BecomePassword is asked when sudo wants a password, at most once a host and pool.
	BecomePassword func(ctx context.Context, host string) (string, error)

	// Sessions, if set, is used in place of a network connection; what is said of addresses, keys and jumps means nothing
	// then. See package localhost.
	Sessions Sessions

	// Reader: the login's key has a forced command that runs ReaderProgram. Nothing is sent for the host to run; a writer
	// cannot be had.
	Reader bool

	// ProxyCommand is run by sh instead of dialling; %h %p %r %n %% as in ssh_config. Empty or "none": dial.
	ProxyCommand string
	// ConnectTimeout limits dialling and handshake together. 0: 10 seconds.
	ConnectTimeout time.Duration
	// AnswerTimeout is how long a question may take before it counts as stuck. 0: 30 seconds, 10 where a service of the host is asked.
	AnswerTimeout time.Duration
	// Dial replaces net.Dialer, for tests. It is not used behind a Jump or a ProxyCommand.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (c *Config) port() int {
	if c.Port == 0 {
		return 22
	}
	return c.Port
}

func (c *Config) addresses() []string {
	if len(c.Addresses) == 0 {
		return []string{c.Name}
	}
	return c.Addresses
}

const defaultTimeout = 10 * time.Second

func (c *Config) timeout() time.Duration {
	if c.ConnectTimeout == 0 {
		return defaultTimeout
	}
	return c.ConnectTimeout
}

func (c *Config) answer() time.Duration {
	if c.AnswerTimeout == 0 {
		return host.DefaultAnswer
	}
	return c.AnswerTimeout
}

func (c *Config) become() Become {
	if c.Become == "" && c.user() != "root" {
		return Sudo
	}
	if c.Become == "" {
		return BecomeNone
	}
	return c.Become
}

// key tells connections apart: two configurations with the same key may share one.
func (c *Config) key() string {
	k := c.user() + "@" + net.JoinHostPort(c.addresses()[0], strconv.Itoa(c.port())) + " " + c.ProxyCommand
	if c.Jump != nil {
		k += " via " + c.Jump.key()
	}
	return k
}

// place names the host in messages: its name, and its address where that differs.
func (c *Config) place() string {
	if c.Sessions != nil {
		return c.Name + " (" + c.Sessions.String() + ")"
	}
	at := net.JoinHostPort(c.addresses()[0], strconv.Itoa(c.port()))
	via := ""
	if c.Jump != nil {
		via = " via " + c.Jump.Name
	}
	return c.Name + " (" + at + via + ")"
}

// LockRequest is who takes a host's lock.
type LockRequest struct {
	Owner string // user@machine of the controller
	Run   string
}
