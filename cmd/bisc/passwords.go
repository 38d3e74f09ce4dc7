package main

import (
	"context"
	"fmt"
	"strings"

	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/inventory"
)

// whereabouts is where the inventory says that a password is: a variable, a file, or a program that prints it.
type whereabouts struct {
	attr      string // what its attributes begin with
	env, file string
	cmd       []string
}

// becomePassword takes the password of sudo, or of a switch's enable, from where the inventory says, or from the terminal.
func (cs *connections) becomePassword(d inventory.Decision) func(context.Context, string) (string, error) {
	return func(ctx context.Context, name string) (string, error) {
		p, said, err := cs.password(name, whereabouts{"become_password", d.BecomePasswordEnv, d.BecomePasswordFile, d.BecomePasswordCmd})
		if said || err != nil {
			return p, err
		}
		what := "sudo"
		if d.Platform == host.EOS {
			what = "enable"
		}
		return cs.secret(ctx, what+" password of "+d.User+" on "+name)
	}
}

// password is a host's, where the inventory says one; said is false where it says none.
func (cs *connections) password(name string, at whereabouts) (p string, said bool, err error) {
	switch {
	case at.env != "":
		p, ok := cs.env(at.env)
		if !ok {
			return "", true, fmt.Errorf("the variable %s (%s_env of %s) is not set", at.env, at.attr, name)
		}
		return p, true, nil
	case at.file != "":
		b, err := source.ReadFile(at.file, 1<<16)
		if err != nil {
			return "", true, fmt.Errorf("%s_file of %s: %w", at.attr, name, err)
		}
		return strings.TrimRight(string(b), "\r\n"), true, nil
	case len(at.cmd) > 0:
		p, err := cs.secrets.Command("", at.cmd)
		if err != nil {
			return "", true, fmt.Errorf("%s_cmd of %s: %w", at.attr, name, err)
		}
		return p, true, nil
	}
	return "", false, nil
}
