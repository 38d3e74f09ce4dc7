package plans

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"bisc/internal/secret"
)

// AgeIdentityEnv names the variable that holds the path of the age identity file, or of an SSH private key.
const AgeIdentityEnv = secret.AgeIdentityEnv

// withheldSecret stands for a secret that is not read: a verb that only looks at the text runs no program and asks for no
// passphrase.
func withheldSecret() cty.Value { return cty.UnknownVal(cty.String).Mark(sensitive) }

// decrypt opens an age file, armored or not. What it held is a secret.
func (l *loader) decrypt(name string, content []byte) (cty.Value, error) {
	if l.opts.Secrets == nil {
		return withheldSecret(), nil
	}
	text, err := l.opts.Secrets.Open(name, content)
	if err != nil {
		return cty.UnknownVal(cty.String), err
	}
	v := cty.StringVal(text)
	if v.AsString() != text {
		return cty.UnknownVal(cty.String), fmt.Errorf("what %s holds is not in Unicode's form NFC: the language would change it", name)
	}
	return v.Mark(sensitive), nil
}
