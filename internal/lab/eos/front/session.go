package front

import (
	"context"
	"errors"

	"golang.org/x/crypto/ssh"
)

// window is what a client says of its terminal. Zero rows or columns are unknown, as a kernel has them.
type window struct{ cols, rows int }

// session is one session channel: a terminal, a single command, or a subsystem.
type session struct {
	peer    *peer
	ch      ssh.Channel
	ctx     context.Context // until the channel's end
	pty     bool
	echo    bool
	window  window
	started bool
	term    *terminal
}

// session serves a session channel to its end.
func (p *peer) session(c ssh.NewChannel) {
	ch, requests, err := c.Accept()
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(p.front.ctx)
	defer cancel()
	s := &session{peer: p, ch: ch, ctx: ctx, echo: true}
	served := make(chan struct{})
	over := requests
	for {
		select {
		case r, ok := <-over:
			if !ok { // the client has closed the channel, or the connection has ended
				over = nil
				cancel()
				if !s.started {
					ch.Close()
					return
				}
				continue
			}
			if run := s.request(r); run != nil {
				p.front.wg.Go(func() {
					defer close(served)
					s.finish(run())
				})
			}
		case <-served:
			if over != nil {
				go ssh.DiscardRequests(over)
			}
			return
		}
	}
}

// request takes one request; what it gives is what the session does from then on.
func (s *session) request(r *ssh.Request) (run func() (int, error)) {
	ok := true
	var one struct{ Text string }
	switch r.Type {
	case "pty-req":
		ok = s.terminalRequest(r.Payload)
	case "window-change":
		var w struct{ Cols, Rows, Width, Height uint32 }
		ok = ssh.Unmarshal(r.Payload, &w) == nil
	case "env":
		ok = false // sshd takes only what AcceptEnv names
	case "shell":
		run = s.shell
	case "exec":
		if ok = ssh.Unmarshal(r.Payload, &one) == nil; ok {
			run = func() (int, error) { return s.exec(one.Text) }
		}
	case "subsystem":
		if ok = ssh.Unmarshal(r.Payload, &one) == nil && one.Text == "sftp" && s.peer.front.Access().SFTP; ok {
			run = s.sftp
		}
	case "signal":
		if ok = ssh.Unmarshal(r.Payload, &one) == nil && s.term != nil; ok {
			s.term.interrupt()
		}
	default:
		ok = false
	}
	if run != nil && s.started {
		ok, run = false, nil
	}
	s.started = s.started || run != nil
	if run != nil && s.pty {
		s.term = newTerminal(s)
	}
	if r.WantReply {
		r.Reply(ok, nil)
	}
	return run
}

// terminalRequest reads a pty-req (RFC 4254, 6.2), with the one mode that matters to a command line: ECHO (53).
func (s *session) terminalRequest(payload []byte) bool {
	var p struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	if ssh.Unmarshal(payload, &p) != nil {
		return false
	}
	s.pty, s.window = true, window{int(p.Cols), int(p.Rows)}
	for m := []byte(p.Modes); len(m) >= 5 && m[0] != 0; m = m[5:] {
		if m[0] == ssh.ECHO {
			s.echo = m[1]|m[2]|m[3]|m[4] != 0
		}
	}
	return true
}

// finish tells the client how the session ended, and ends it.
func (s *session) finish(status int, err error) {
	if errors.Is(err, errCut) {
		s.peer.link.cut()
		return
	}
	if !errors.Is(err, context.Canceled) {
		s.ch.CloseWrite()
		s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
	}
	s.ch.Close()
}
