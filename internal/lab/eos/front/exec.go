package front

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/pkg/sftp"
)

// exec runs a single command: the login shell RunCli hands it to the CLI's parser, so that `show version | json` works and `ls` does
// not (eos.md A.3) [V]. What comes after `bash` gets the channel itself: bytes in, bytes out, errors apart [V], and its exit status [I].
func (s *session) exec(command string) (int, error) {
	f := s.peer.front
	access := f.Access()
	if words := strings.Fields(command); len(words) > 1 && words[0] == "scp" && access.SCP && f.opts.Bash != nil {
		f.log.add(Heard{Face: "scp", Conn: s.peer.id, User: s.peer.conn.User(), Detail: command})
		return f.opts.Bash(s.ctx, s.peer.conn.User(), command, s.ch, s.ch, s.ch.Stderr()), nil
	}
	if access.BashLogin && f.opts.Bash != nil {
		f.log.add(Heard{Face: "bash", Conn: s.peer.id, User: s.peer.conn.User(), Detail: command})
		return f.opts.Bash(s.ctx, s.peer.conn.User(), command, s.ch, s.ch, s.ch.Stderr()), nil
	}
	c := f.cli("exec", s.peer.id, s.peer.conn.User(), s.peer.from(), access.ExecPrivileged)
	defer c.Close()
	lines := []string{command}
	if access.ExecLines {
		lines = strings.Split(command, "\n")
	}
	status := 0
	for _, line := range lines {
		var err error
		if status, err = s.single(c, line); err != nil || c.Closed() {
			return status, err
		}
	}
	return status, nil
}

// single does one line of an exec. A refused command's words are on the standard output, and its status is 1 [I].
func (s *session) single(c *cli, line string) (int, error) {
	status := 0
	a, err := c.ask(s.ctx, line, func(ctx context.Context) (text string, err error) {
		text, status, err = c.line(ctx, line, s.ch, s.ch, s.ch.Stderr())
		return text, err
	})
	if err != nil {
		return 255, err
	}
	if a.err != nil {
		status = 1
	}
	if s.pty {
		a.text = strings.ReplaceAll(a.text, "\n", "\r\n")
	}
	return status, s.peer.front.deliver(s.ctx, s.ch, a.text, a.trip)
}

// deliver writes an answer, as far as its trip lets it.
func (f *Front) deliver(ctx context.Context, w io.Writer, text string, t *Trip) error {
	if t != nil && t.When == Amid {
		n := min(t.Bytes, len(text))
		if _, err := io.WriteString(w, text[:n]); err != nil {
			return context.Canceled
		}
		if err := f.act(ctx, t); err != nil {
			return err
		}
		text = text[n:]
	}
	if _, err := io.WriteString(w, text); err != nil {
		return context.Canceled // the client has gone
	}
	if t != nil && t.When == Answered {
		return f.act(ctx, t)
	}
	return nil
}

// sftp serves the subsystem.
func (s *session) sftp() (int, error) {
	f := s.peer.front
	f.log.add(Heard{Face: "sftp", Conn: s.peer.id, User: s.peer.conn.User(), Detail: "open"})
	if f.opts.SFTP != nil {
		return status(f.opts.SFTP(s.ctx, s.peer.conn.User(), s.ch))
	}
	server, err := sftp.NewServer(s.ch, sftp.WithServerWorkingDirectory(f.opts.Home))
	if err != nil {
		return 255, err
	}
	return status(server.Serve()) // not Close: that would close the channel before it has its exit status
}

func status(err error) (int, error) {
	if err == nil || errors.Is(err, io.EOF) {
		return 0, nil
	}
	return 255, nil
}
