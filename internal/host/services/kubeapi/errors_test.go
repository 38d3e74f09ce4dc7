package kubeapi

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"bisc/internal/host"
)

// TestWhoIsNotAsked: a kubeconfig that is not there, and a server that is there and by TLS not the one that it names, say nothing about an API
// server: it may be at work. One where nobody listens does.
func TestWhoIsNotAsked(t *testing.T) {
	s, a := served(t)
	cfg, err := clientcmd.Load(s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	var address string
	for _, c := range cfg.Clusters {
		address = c.Server
	}
	none := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	expired := httptest.NewUnstartedServer(none)
	expired.TLS = &tls.Config{Certificates: []tls.Certificate{outOfTime(t)}}
	expired.StartTLS()
	defer expired.Close()
	foreign, plain, gone := httptest.NewTLSServer(none), httptest.NewServer(none), httptest.NewTLSServer(none)
	defer foreign.Close()
	defer plain.Close()
	gone.Close()
	at := func(url string) []byte {
		_, server, _ := bytes.Cut([]byte(url), []byte("://"))
		return bytes.ReplaceAll(s.Kubeconfig, []byte(address), append([]byte("https://"), server...))
	}
	for name, c := range map[string]struct {
		text    []byte // of the kubeconfig; nil: it is not there
		unasked bool
	}{
		"no kubeconfig":                  {nil, true},
		"no kubeconfig by its text":      {[]byte("- x"), true},
		"a certificate of another CA's":  {at(foreign.URL), true},
		"a certificate that has expired": {at(expired.URL), true},
		"no TLS":                         {at(plain.URL), true},
		"nobody listens":                 {at(gone.URL), false},
	} {
		a.read = func(context.Context, string) ([]byte, error) {
			if c.text == nil {
				return nil, fs.ErrNotExist
			}
			return c.text, nil
		}
		_, err := a.Ask(t.Context(), host.KubeQuery{Kubeconfig: "/k", Resource: "v1/pods"})
		if !errors.Is(err, host.ErrNoAPI) || errors.Is(err, host.ErrUnasked) != c.unasked {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, host.ErrExpired) != strings.Contains(name, "expired") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// outOfTime is a certificate that ended yesterday.
func outOfTime(t *testing.T) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}
