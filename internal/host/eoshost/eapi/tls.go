package eapi

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// PinError is a certificate that is not the pinned one.
type PinError struct{ Got, Want string }

// Error gives both digests.
func (e *PinError) Error() string {
	return fmt.Sprintf("the certificate's digest is %s, and tls_pin is %s: if the switch has a new certificate, look at it on the switch (show management security ssl certificate) before you pin it", e.Got, e.Want)
}

// readPin reads sha256:HEX, as openssl x509 -fingerprint -sha256 prints it too, with colons between.
func readPin(s string) ([]byte, error) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	b, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if !ok || err != nil || len(b) != sha256.Size {
		return nil, fmt.Errorf("%q is no digest of a certificate: it is sha256: and 64 hex digits (openssl x509 -noout -fingerprint -sha256)", s)
	}
	return b, nil
}

// tlsConfig checks the certificate in one of three ways, and in none: the system's authorities, those of a file, or a pin. Some
// EOS signs its certificate itself, which only a pin or that certificate as a file can check.
func (c Config) tlsConfig() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSLegacy {
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			if !strings.Contains(s.Name, "RC4") && !strings.Contains(s.Name, "3DES") {
				conf.CipherSuites = append(conf.CipherSuites, s.ID)
			}
		}
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file %s holds no certificate (PEM)", c.CAFile)
		}
	}
	if c.TLSPin == "" {
		return conf, nil
	}
	pin, err := readPin(c.TLSPin)
	if err != nil {
		return nil, err
	}
	// The pin names the certificate itself: who holds its key is the switch, whatever name and date are in it.
	conf.InsecureSkipVerify = c.CAFile == ""
	conf.VerifyConnection = func(state tls.ConnectionState) error { return pinned(state, pin) }
	return conf, nil
}

// pinned is asked for resumed connections too.
func pinned(state tls.ConnectionState, pin []byte) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the switch showed no certificate")
	}
	if got := sha256.Sum256(state.PeerCertificates[0].Raw); !bytes.Equal(got[:], pin) {
		return &PinError{Got: "sha256:" + hex.EncodeToString(got[:]), Want: "sha256:" + hex.EncodeToString(pin)}
	}
	return nil
}
