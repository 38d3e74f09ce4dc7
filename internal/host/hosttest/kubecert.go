package hosttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certificates makes a CA, the server's certificate and an admin's, and the kubeconfig.
func (s *KubeServer) certificates() (server tls.Certificate, roots *x509.CertPool, err error) {
	ca, caKey, err := issue("lab-ca", nil, nil)
	if err != nil {
		return server, nil, err
	}
	crt, key, err := issue("kube-apiserver", ca, caKey)
	if err != nil {
		return server, nil, err
	}
	admin, adminKey, err := issue("kubernetes-admin", ca, caKey)
	if err != nil {
		return server, nil, err
	}
	s.CA, s.Cert, s.Key = pemOf("CERTIFICATE", ca.Raw), pemOf("CERTIFICATE", admin.Raw), keyPEM(adminKey)
	s.Kubeconfig = fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://%s", certificate-authority-data: %s}}]
users: [{name: admin, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: lab, context: {cluster: lab, user: admin}}]
current-context: lab
`, s.at.Addr(), base64.StdEncoding.EncodeToString(s.CA), base64.StdEncoding.EncodeToString(s.Cert), base64.StdEncoding.EncodeToString(s.Key))
	roots = x509.NewCertPool()
	roots.AddCert(ca)
	server, err = tls.X509KeyPair(pemOf("CERTIFICATE", crt.Raw), keyPEM(key))
	return server, roots, err
}

func issue(name string, by *x509.Certificate, byKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"system:masters"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	if by == nil {
		by, byKey, c.IsCA, c.BasicConstraintsValid, c.KeyUsage = c, key, true, true, x509.KeyUsageCertSign
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		return nil, nil, err
	}
	out, err := x509.ParseCertificate(der)
	return out, key, err
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func keyPEM(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		panic(err) // a P-256 key always marshals
	}
	return pemOf("EC PRIVATE KEY", der)
}
