// Package secret gets values that stand in no file in clear: what a program prints, and what a file encrypted with age
// holds. It hands them to nobody but its caller: no message, argument list or environment of another program has them.
package secret

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"
)

// AgeIdentityEnv names the variable that holds the path of the age identity file, or of an SSH private key.
const AgeIdentityEnv = "BISC_AGE_IDENTITY"

// DefaultLimit is how long a program may take: long enough for an agent that asks its user.
const DefaultLimit = time.Minute

// Keeper gets secrets for one run, each program and each identity once.
type Keeper struct {
	// Ask asks a person for a passphrase; nil where there is nobody to ask.
	Ask func(ctx context.Context, what string) (string, error)
	// Env looks an environment variable up.
	Env func(string) (string, bool)
	// Limit bounds the time of one program.
	Limit time.Duration

	ctx        context.Context // of the run: values are asked for inside expressions, which know no context
	mu         sync.Mutex      // one program, one question at a time: a person may be asked
	said       map[string]answer
	hidden     map[string]bool
	identities *identities
}

type answer struct {
	value string
	err   error
}

// New makes a keeper whose programs and questions end with ctx.
func New(ctx context.Context) *Keeper {
	return &Keeper{ctx: ctx, Env: os.LookupEnv, Limit: DefaultLimit, said: map[string]answer{}, hidden: map[string]bool{}}
}

// Hide keeps variables of bisc's environment from the programs that it starts: they hold secrets of others.
func (k *Keeper) Hide(names ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range names {
		k.hidden[n] = true
	}
}

// Everybodys tells variables that programs cannot do without, and that hold nothing secret.
func Everybodys(name string) bool {
	switch name {
	case "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR", "SSH_AUTH_SOCK", "GPG_TTY", "DISPLAY":
		return true
	}
	return strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "XDG_")
}
