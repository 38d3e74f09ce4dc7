package kubeapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"

	"bisc/internal/host"
)

// once is a transport whose errors client-go does not take for ones to try again: it would ask over a dead connection ten times, a
// second apart, before it said that it is dead. Whoever has the connection knows better whether there is another.
type once struct{ http.RoundTripper }

// RoundTrip asks once.
func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, broke{err}
	}
	return resp, nil
}

// broke is an error that errors.Is sees through and errors.As does not, without the words by which client-go knows one.
type broke struct{ error }

// Error gives the words of the error, but for those.
func (b broke) Error() string {
	return strings.NewReplacer("use of closed network connection", "the connection was closed", "connection reset by peer", "the connection was reset",
		"server closed idle connection", "the server closed it").Replace(b.error.Error())
}

// Is tells whether the error is target.
func (b broke) Is(target error) bool {
	return errors.Is(b.error, target) || target == host.ErrUnasked && estranged(b.error) || target == host.ErrExpired && expired(b.error)
}

// expired tells whether the certificate of who answered is out of its time.
func expired(err error) bool {
	var cert x509.CertificateInvalidError
	return errors.As(err, &cert) && cert.Reason == x509.Expired
}

// estranged tells whether somebody answered who is not, by TLS, whom the kubeconfig names, or to whom we are not: another's certificate, a
// clock that is wrong, HTTP where HTTPS is meant. An API server may be at work there.
func estranged(err error) bool {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert *net.OpError
	return errors.As(err, &cert) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch) ||
		errors.As(err, &alert) && alert.Op == "remote error" // crypto/tls: the other side's alert
}
