package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"bisc/internal/lab/onekube/access"
)

// pki is a cluster's certificates, in the folder and under the names that kubeadm gives them.
type pki struct {
	dir   string
	ca    *x509.Certificate
	caKey *ecdsa.PrivateKey
}

func (p *pki) path(name string) string { return filepath.Join(p.dir, name) }

// ensurePKI makes the certificates of a cluster that has none. An existing one keeps its own: they are what its clients
// trust.
func ensurePKI(dir, node string) (*pki, error) {
	p := &pki{dir: dir}
	if _, err := os.Stat(p.path("admin.crt")); err == nil { // written last
		return p, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cluster's certificates: %w", err)
	}
	if err := p.authority(); err != nil {
		return nil, fmt.Errorf("make the cluster's authority: %w", err)
	}
	for _, leaf := range []struct {
		name    string
		subject pkix.Name
		hosts   []string
	}{
		{"apiserver", pkix.Name{CommonName: "kube-apiserver"}, []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", node}},
		{"sa", pkix.Name{CommonName: "sa"}, nil},
		{"admin", pkix.Name{CommonName: "kubernetes-admin", Organization: []string{"system:masters"}}, nil},
	} {
		if err := p.leaf(leaf.name, leaf.subject, leaf.hosts); err != nil {
			return nil, fmt.Errorf("make the certificate of %s: %w", leaf.name, err)
		}
	}
	return p, nil
}

func (p *pki) authority() (err error) {
	if p.caKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	p.ca = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, p.ca, p.ca, &p.caKey.PublicKey, p.caKey)
	if err != nil {
		return err
	}
	return p.write("ca.crt", "CERTIFICATE", der, 0o644)
}

// leaf makes a client's certificate, or with hosts a server's.
func (p *pki) leaf(name string, subject pkix.Name, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject,
		NotBefore: p.ca.NotBefore, NotAfter: p.ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if hosts != nil {
		cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		cert.DNSNames = hosts
		cert.IPAddresses = append(access.Addresses(), net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1))
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, p.ca, &key.PublicKey, p.caKey)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := p.write(name+".key", "EC PRIVATE KEY", private, 0o600); err != nil {
		return err
	}
	return p.write(name+".crt", "CERTIFICATE", der, 0o644)
}

func (p *pki) write(name, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(p.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// kubeconfig writes the administrator's, under one name for cluster, user and context.
func (p *pki) kubeconfig(file, name, server string) error {
	config := clientcmdapi.NewConfig()
	part := map[string][]byte{}
	for _, file := range []string{"ca.crt", "admin.crt", "admin.key"} {
		text, err := os.ReadFile(p.path(file))
		if err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
		part[file] = text
	}
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: part["ca.crt"]}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: part["admin.crt"], ClientKeyData: part["admin.key"]}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, file)
}
