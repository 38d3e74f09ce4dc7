package main

import (
	"context"
	"fmt"

	"bisc/internal/host/eoshost"
	"bisc/internal/host/eoshost/eapi"
	"bisc/inventory"
)

// dialSwitch connects to a switch, and makes sure that it is the one that is meant: a play on the wrong switch is how a tunnel's
// source was taken away (incidents 48 and 50).
func (cs *connections) dialSwitch(ctx context.Context, d inventory.Decision, c *connection) error {
	if d.Hostname == "" {
		return fmt.Errorf("%s: the inventory does not say what this switch calls itself, so another could not be told from it: give it hostname = \"...\", as show hostname prints it there", d.Host)
	}
	cfg := cs.switchConfig(d)
	if cs.writes {
		w, err := eoshost.OpenWriter(ctx, cs.pool, cfg)
		if err != nil {
			return err
		}
		c.read, c.write = w, w
		return nil
	}
	h, err := eoshost.Open(ctx, cs.pool, cfg)
	if err != nil {
		return err
	}
	c.read = h
	return nil
}

// switchConfig is a decision as the transport takes it.
func (cs *connections) switchConfig(d inventory.Decision) eoshost.Config {
	password := func(context.Context) (string, error) {
		p, _, err := cs.password(d.Host, whereabouts{"eapi_password", d.EAPI.PasswordEnv, d.EAPI.PasswordFile, d.EAPI.PasswordCmd})
		return p, err
	}
	return eoshost.Config{
		SSH: cs.config(d), Hostname: d.Hostname, Serial: d.Serial, EnablePassword: cs.becomePassword(d),
		EAPI: eapi.Config{Mode: eapi.Mode(d.EAPI.Mode), Port: d.EAPI.Port, URL: d.EAPI.URL, CAFile: d.EAPI.CAFile, TLSPin: d.EAPI.TLSPin, TLSLegacy: d.EAPI.TLSLegacy,
			User: d.EAPI.User, Password: password},
		Look: d.LookAgain, Run: cs.lock.Run, Owner: cs.lock.Owner,
	}
}
