package main

import (
	"context"
	"os"

	"bisc/internal/secret"
	"bisc/layers"
)

// keeper gets the secrets of a run: those of the plan, before there are connections, and sudo's passwords.
func (c *command) keeper(ctx context.Context) *secret.Keeper {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { // the first interrupt of a verb that acts ends no context, but there is no step to finish yet
		select {
		case <-c.stop:
			cancel(layers.ErrStopped)
		case <-ctx.Done():
		}
	}()
	k := secret.New(ctx)
	k.Ask, k.Env = onTerminal, c.lookupEnv
	return k
}

// loadFor reads the plan for a verb over hosts. Locks and holds can be seen without any value of the plan.
func (c *command) loadFor(verb string, secrets *secret.Keeper) (*loaded, error) {
	if verb == "who" || verb == "hold" {
		return c.load()
	}
	return c.loadWith(secrets)
}

// keepToOurselves takes out of bisc's environment what the plan read there and what holds sudo's passwords: every program
// that bisc starts (ssh -G, a ProxyCommand, sudo on this machine) would have it in its own, for others to read.
func (c *command) keepToOurselves(l *loaded) {
	names := l.alsoEnv
	for _, h := range l.inv.Hosts() {
		names = append(names, h.BecomePasswordEnv, h.EAPI.PasswordEnv)
	}
	for _, in := range l.plan.Inputs {
		if in.Kind == "env" && !secret.Everybodys(in.Name) {
			names = append(names, in.Name)
		}
	}
	for _, name := range names {
		value, ok := os.LookupEnv(name)
		if name == "" || !ok {
			continue
		}
		if c.taken == nil {
			c.taken = map[string]string{}
		}
		c.taken[name] = value
		_ = os.Unsetenv(name) // fails only for a name that no variable can have
	}
}

// lookupEnv is os.LookupEnv with what keepToOurselves took.
func (c *command) lookupEnv(name string) (string, bool) {
	if v, ok := c.taken[name]; ok {
		return v, true
	}
	return os.LookupEnv(name)
}
