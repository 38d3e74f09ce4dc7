package sshhost

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
)

// An agent is forwarded for one step at a time: whoever is root on the host can sign with its keys for as long as it is. sshd makes
// the socket once a connection and keeps it until that ends (session_auth_agent_req), and from then on shows it to every session.
// So a step that needs an agent has a connection of its own, as the login user and without sudo, which ends with the step.

var errNoAgentHere = errors.New("bisc is not connected by SSH here, so there is nothing to forward over: name a remote that needs no key of yours (https://, file://)")

// lend gives the path, on the host, of a socket to the operator's agent. It is there until back is called.
func (w *Writer) lend(ctx context.Context) (socket string, back func(), err error) {
	if w.cfg.Sessions != nil {
		return "", nil, errNoAgentHere
	}
	own, err := w.cfg.liveAgent(ctx)
	if err != nil {
		return "", nil, err
	}
	cfg := *w.cfg
	c, err := w.pool.connect(ctx, &cfg)
	if err != nil {
		return "", nil, err
	}
	if c.hostKey != w.HostKey() {
		c.close()
		return "", nil, fmt.Errorf("%w: another host key", host.ErrAnother)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, w.limit, fmt.Errorf("no answer in %s", w.limit))
	defer cancel()
	c.wire.hurry() // an agent's messages are small, and each is waited for
	stop := context.AfterFunc(ctx, c.close)
	socket, err = c.agentSocket(own)
	if !stop() || err != nil {
		c.close()
		return "", nil, withCause(ctx, err)
	}
	return socket, sync.OnceFunc(c.close), nil
}

// agentSocket asks sshd for a socket that leads to the agent at own, and learns where it is. The session's program lives as long as
// the connection.
func (c *connection) agentSocket(own string) (string, error) {
	go serveLent(c.client.HandleChannelOpen("auth-agent@openssh.com"), own)
	channel, requests, err := c.session()
	if err != nil {
		return "", err
	}
	go ssh.DiscardRequests(requests)
	if ok, err := channel.SendRequest("auth-agent-req@openssh.com", true, nil); err != nil || !ok {
		return "", errors.Join(errors.New("the host's sshd does not take agents (AllowAgentForwarding and DisableForwarding in sshd_config, no-agent-forwarding in authorized_keys)"), err)
	}
	mark := newNonce()
	line := host.Quote("sh", "-c", `echo "`+mark+` $SSH_AUTH_SOCK"; exec cat`)
	if ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{line})); err != nil || !ok {
		return "", errors.Join(errors.New("the host runs no program of the login user's"), err)
	}
	said := bufio.NewScanner(channel)
	for said.Scan() { // a login shell may greet
		if _, socket, ok := strings.Cut(said.Text(), mark+" "); ok {
			if !strings.HasPrefix(socket, "/") {
				return "", errors.New("sshd has said yes and made no socket (its log says why)")
			}
			return socket, nil
		}
	}
	return "", errors.Join(errors.New("the session ended before it told its socket"), said.Err())
}

func serveLent(opened <-chan ssh.NewChannel, own string) {
	for o := range opened {
		go func() {
			conn, err := net.Dial("unix", own)
			if err != nil {
				_ = o.Reject(ssh.ConnectionFailed, "the operator's agent does not answer")
				return
			}
			defer conn.Close()
			channel, requests, err := o.Accept()
			if err != nil {
				return
			}
			defer channel.Close()
			go ssh.DiscardRequests(requests)
			_ = onlySign(channel, conn) // its end is the asker's affair
		}()
	}
}

// The messages of draft-miller-ssh-agent that matter here.
const (
	agentFailure     = 5
	agentListKeys    = 11 // SSH_AGENTC_REQUEST_IDENTITIES
	agentSign        = 13 // SSH_AGENTC_SIGN_REQUEST
	agentMessageMost = 256 << 10
)

// onlySign carries questions for the list of keys and for signatures to the agent, and refuses the rest: a host could else take the
// operator's keys out, lock them, or put in its own.
func onlySign(asker, agent io.ReadWriter) error {
	for {
		question, err := agentMessage(asker)
		if err != nil {
			return err
		}
		answer := []byte{0, 0, 0, 1, agentFailure}
		if kind := question[4]; kind == agentListKeys || kind == agentSign {
			if _, err = agent.Write(question); err != nil {
				return err
			}
			if answer, err = agentMessage(agent); err != nil {
				return err
			}
		}
		if _, err := asker.Write(answer); err != nil {
			return err
		}
	}
}

// agentMessage reads one message with its length in front.
func agentMessage(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head)
	if n == 0 || n > agentMessageMost {
		return nil, fmt.Errorf("an agent's message of %d bytes", n)
	}
	message := append(head, make([]byte, n)...)
	_, err := io.ReadFull(r, message[4:])
	return message, err
}

// liveAgent is the socket of the agent that ssh would use here: the first that answers and has a key; with a pinned key, the one
// that has it.
func (c *Config) liveAgent(ctx context.Context) (string, error) {
	sockets, off := c.agentSockets()
	if off {
		return "", errors.New("the inventory says that there is no agent (agent_socket = \"none\")")
	}
	if c.AgentKey != "" {
		sockets = append(sockets, otherAgents()...)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tried := []string{"no agent with a key answers here: start one (eval $(ssh-agent); ssh-add) and run bisc again"}
	for _, a := range askAgents(ctx, sockets) {
		if a.err == nil && len(a.signers) > 0 && (c.AgentKey == "" || a.signer(c.AgentKey) != nil) {
			return a.socket, nil
		}
		tried = append(tried, a.describe())
	}
	return "", errors.New(strings.Join(tried, "; "))
}
