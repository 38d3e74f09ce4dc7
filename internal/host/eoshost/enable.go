package eoshost

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// enabling is how a console becomes privileged.
type enabling struct {
	wanted   bool
	password func(context.Context) (string, error)
}

// errNoPassword: enable asked, and nobody can say.
var errNoPassword = errors.New("enable wants a password: name it in the inventory (become_password_file, become_password_env, become_password_cmd), or run bisc where it can ask")

// askOnce asks for enable's password once a host: several consoles are opened. An asking that ctx ended does not count.
func askOnce(name string, ask func(ctx context.Context, name string) (string, error)) func(context.Context) (string, error) {
	var mu sync.Mutex
	var asked bool
	var password string
	var failed error
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if asked {
			return password, failed
		}
		if ask == nil {
			return "", errNoPassword
		}
		p, err := ask(ctx, name)
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("enable wants a password: %w", context.Cause(ctx))
		case err != nil:
			failed = fmt.Errorf("enable wants a password: %w", err)
		case p == "":
			failed = errNoPassword
		default:
			password = p
		}
		asked = true
		return password, failed
	}
}
