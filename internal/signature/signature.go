// Package signature signs plan files with an operator's SSH key, and says whose signature a file bears.
//
// The form is OpenSSH's (PROTOCOL.sshsig), so ssh-keygen -Y sign and -Y verify make and check the same. sshsig does the
// encoding: the format is small, and a mistake in it would go unseen. Who may sign is in an allowed_signers file as
// ssh-keygen(1) describes it.
package signature

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Namespace keeps a signature of a plan from being taken for one of anything else: ssh-keygen -Y sign -n plan@bisc.
const Namespace = "plan@bisc"

// ErrSignature: a signature is none of this text, or by nobody who may sign.
var ErrSignature = errors.New("the signature is not good")

// Sign gives the armoured signature of a text by an SSH key.
func Sign(text []byte, by ssh.Signer) ([]byte, error) {
	sig, err := sshsig.Sign(bytes.NewReader(text), by, sshsig.HashSHA512, Namespace)
	if err != nil {
		return nil, fmt.Errorf("signing with %s: %w", ssh.FingerprintSHA256(by.PublicKey()), err)
	}
	return sshsig.Armor(sig), nil
}

// Signer is whose signature it is.
type Signer struct {
	Principal string // as the allowed_signers file, or the certificate, names the signer
	Key       string // fingerprint
}

// String names the signer for people.
func (s Signer) String() string { return s.Principal + " (" + s.Key + ")" }

// Check finds out by whom, of those who may, a text is signed at a moment. The error is ErrSignature otherwise.
func (a Allowed) Check(text, armoured []byte, now time.Time) (Signer, error) {
	sig, err := sshsig.Unarmor(armoured)
	if err != nil {
		return Signer{}, fmt.Errorf("%w: it is not in OpenSSH's form: %v", ErrSignature, err)
	}
	if sig.Signature.Format == ssh.KeyAlgoRSA {
		return Signer{}, fmt.Errorf("%w: ssh-rsa signs with SHA-1", ErrSignature)
	}
	if err := sshsig.Verify(bytes.NewReader(text), sig, sig.PublicKey, sig.HashAlgorithm, Namespace); err != nil {
		return Signer{}, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	key := ssh.FingerprintSHA256(sig.PublicKey)
	cert, certified := sig.PublicKey.(*ssh.Certificate)
	if certified {
		key = ssh.FingerprintSHA256(cert.Key)
	}
	var why error
	for _, line := range a {
		principal, err := line.principal(sig.PublicKey, now)
		if err == nil {
			return Signer{principal, key}, nil
		}
		if !errors.Is(err, errOther) {
			why = errors.Join(why, fmt.Errorf("line %d: %w", line.number, err))
		}
	}
	if why == nil {
		why = errors.New("that key is in no line of the allowed signers")
	}
	return Signer{}, fmt.Errorf("%w: it is by %s: %w", ErrSignature, key, why)
}
