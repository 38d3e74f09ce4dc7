package plans

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/zclconf/go-cty/cty"
)

// AgeIdentityEnv names the variable that holds the path of the age identity file.
const AgeIdentityEnv = "BISC_AGE_IDENTITY"

// decrypt opens an age file, armored or not, with the identities of BISC_AGE_IDENTITY. What it held is a secret.
func (l *loader) decrypt(name string, content []byte) (cty.Value, error) {
	none := cty.UnknownVal(cty.String)
	path, ok := l.opts.Env(AgeIdentityEnv)
	if !ok || path == "" {
		return none, fmt.Errorf("opening %s needs an identity: set %s to the path of an age identity file", name, AgeIdentityEnv)
	}
	f, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("reading the age identity %s: %w", path, bare(err))
	}
	defer f.Close()
	identities, err := age.ParseIdentities(f)
	if err != nil {
		return none, fmt.Errorf("reading the age identity %s: %w", path, err)
	}
	var in io.Reader = bytes.NewReader(content)
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	out, err := age.Decrypt(in, identities...)
	if err != nil {
		return none, fmt.Errorf("opening %s: %w", name, err)
	}
	secret, err := io.ReadAll(io.LimitReader(out, maxInput+1))
	if err != nil {
		return none, fmt.Errorf("opening %s: %w", name, err)
	}
	if !utf8.Valid(secret) || len(secret) > maxInput {
		return none, fmt.Errorf("what %s holds is not UTF-8 text of at most %d MiB", name, maxInput>>20)
	}
	return cty.StringVal(string(secret)).Mark(sensitive), nil
}
