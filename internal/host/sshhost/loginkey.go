package sshhost

import (
	"io"

	"golang.org/x/crypto/ssh"
)

// noting gives the keys to log in with such that the login knows which one it was: the server names none.
func (l *login) noting() ([]ssh.Signer, error) {
	signers, err := l.signers()
	for i, s := range signers {
		if a, ok := s.(ssh.AlgorithmSigner); ok {
			signers[i] = notedSigner{a, &l.used}
		}
	}
	return signers, err
}

// notedSigner writes down that it signed. x/crypto asks the server first whether it would take a key, and signs only then.
type notedSigner struct {
	ssh.AlgorithmSigner
	used *string
}

// Sign is that of the key.
func (s notedSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	*s.used = ssh.FingerprintSHA256(s.PublicKey())
	return s.AlgorithmSigner.Sign(rand, data)
}

// SignWithAlgorithm is that of the key.
func (s notedSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	*s.used = ssh.FingerprintSHA256(s.PublicKey())
	return s.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
}
