package sshhost

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"bisc/internal/host"
)

// What a start that failed may be mended by.
var (
	errPassword = errors.New("sudo wants a password")
	errNoPerl   = errors.New("there is no Perl on the host")
)

// elevated is the command line that runs command as root: it goes through the login shell, whichever that is. sudo's
// messages are wanted in English.
func elevated(cfg *Config, prompt, command string) string {
	switch {
	case cfg.become() != Sudo:
		return command
	case prompt == "":
		return "env LC_ALL=C sudo -n " + command
	}
	return "env LC_ALL=C sudo -S -p " + prompt + " " + command
}

// said is what a program that did not start wrote last, and its status.
func said(l *link) string {
	select {
	case <-l.ended:
	default:
		return l.said.line()
	}
	line := l.said.line()
	if line == "" { // nologin and the shells of switches say it on stdout
		line = l.talk.line()
	}
	switch {
	case line != "" && l.status != "":
		return line + " (" + l.status + ")"
	case line != "":
		return line
	case l.status != "":
		return l.status + ", and nothing was said"
	}
	return "nothing was said"
}

// whyNot tells why a link's program did not start: the link has ended. The error is errPassword or errNoPerl where
// those fit. The texts are those of sudo, sh, csh and fish, and of env.
func whyNot(cfg *Config, l *link, err error) error {
	text := l.said.text()
	says := func(pattern string) bool { return regexp.MustCompile("(?i)" + pattern).MatchString(text) }
	switch {
	case says(`sudo['\x{2019}]?: (command )?not found|unknown command:? *'?sudo|sudo['\x{2019}]?: no such file`):
		return fmt.Errorf("there is no sudo on the host: install it, or log in as root with become = \"none\" (%s)", said(l))
	case says(`a password is required|a terminal is required to read the password|no password was provided`):
		return errPassword
	case says(`is not in the sudoers file|may not run sudo|is not allowed to (execute|run)`):
		return fmt.Errorf("sudo refuses %s: %s: allow it in sudoers", cfg.user(), said(l))
	case says(`must have a tty`):
		return fmt.Errorf("sudo wants a terminal: remove requiretty from sudoers for %s (%s)", cfg.user(), said(l))
	case says(`perl['\x{2019}]?: (command )?not found|unknown command:? *'?perl|perl['\x{2019}]?: no such file|can't locate \S+ in @inc`):
		return errNoPerl
	case errors.Is(err, errNoise):
		return err
	}
	return fmt.Errorf("the privileged channel did not start (does the login shell of %s run commands?): %s", cfg.user(), said(l))
}

// elevate opens a link on which command runs as root. command writes the mark up and a newline first; the link is read
// up to there. Where sudo wants a password it is asked for, once.
func (c *channel) elevate(ctx context.Context, command, up string) (*link, error) {
	password := c.pool.password(c.cfg)
	l, err := c.tryElevate(ctx, command, up, password)
	if !errors.Is(err, errPassword) || password != "" {
		return l, err
	}
	if password, err = c.pool.askPassword(ctx, c.cfg); err != nil {
		return nil, err
	}
	c.stats.add(func(s *Stats) { s.PasswordAsked = true })
	return c.tryElevate(ctx, command, up, password)
}

func (c *channel) tryElevate(ctx context.Context, command, up, password string) (*link, error) {
	l, err := openLink(ctx, c.conn)
	if err != nil {
		return nil, err
	}
	prompt := ""
	prompted := make(chan struct{}, 8)
	if password != "" && c.cfg.become() == Sudo {
		prompt = "bisc-password-" + newNonce()[:8]
		l.hear(promptWatch(prompt, prompted))
	}
	c.stats.add(func(s *Stats) { s.Execs++ })
	if err := l.exec(elevated(c.cfg, prompt, command)); err != nil {
		return nil, err
	}
	came := make(chan error, 1)
	go func() { came <- skipTo(l.r, up, &l.talk) }()
	for asked := false; ; {
		select {
		case err := <-came:
			if err == nil {
				return l, nil
			}
			l.close()
			<-l.ended
			return nil, whyNot(c.cfg, l, err)
		case <-prompted:
			if asked { // sudo would take the program's lines for passwords
				l.close()
				return nil, fmt.Errorf("sudo refused the password of %s: the connection and the login are good, the password that was typed, or that the inventory's become_password_file or become_password_env names, is wrong", c.cfg.user())
			}
			asked = true
			if err := l.write([]byte(password + "\n")); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			l.close()
			return nil, fmt.Errorf("%s gave no answer in %s: %s", c.starter(), c.startLimit(), said(l))
		}
	}
}

// promptWatch tells each time that prompt comes by on stderr.
func promptWatch(prompt string, prompted chan<- struct{}) func([]byte) {
	var seen string
	return func(b []byte) {
		seen += string(b)
		for {
			_, after, ok := strings.Cut(seen, prompt)
			if !ok {
				break
			}
			seen = after
			select {
			case prompted <- struct{}{}:
			default:
			}
		}
		if len(seen) > 4<<10 {
			seen = seen[len(seen)-len(prompt):]
		}
	}
}

// rootStream runs a program as root on a channel of its own; for hosts without the agent.
func (c *channel) rootStream(ctx context.Context, argv ...string) (*link, error) {
	up := "bisc-up-" + newNonce()[:8]
	command := host.Quote(append([]string{"sh", "-c", `echo ` + up + `; exec "$@"`, "bisc"}, argv...)...)
	return c.elevate(ctx, command, up+"\n")
}
