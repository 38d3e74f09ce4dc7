package eapi

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func secure(t *testing.T, conf *tls.Config) *server {
	t.Helper()
	s, h := handler(t, func(w http.ResponseWriter, _ *http.Request, a asked) {
		if a.path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "Session", Value: "s"})
			return
		}
		results(w, a, `{"a":1}`)
	})
	s.Server = httptest.NewUnstartedServer(h)
	s.TLS = conf
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func pinOf(s *server) string {
	sum := sha256.Sum256(s.Certificate().Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func httpsConfig() Config {
	return Config{Mode: HTTPS, URL: "https://example.com", User: "u", Password: password("p")} // the name in httptest's certificate
}

// No password goes to a switch whose certificate nobody vouches for.
func TestCertificate(t *testing.T) {
	t.Parallel()
	s := secure(t, nil)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	pin := pinOf(s)
	other := "sha256:" + strings.Repeat("00", 32)
	colons := "sha256:" + strings.ToUpper(pin[7:9]) + ":" + pin[9:]
	for _, c := range []struct {
		what string
		with func(*Config)
		good bool
		says string
	}{
		{"nothing", func(*Config) {}, false, "certificate"},
		{"another's pin", func(c *Config) { c.TLSPin = other }, false, pin},
		{"its pin", func(c *Config) { c.TLSPin = pin }, true, ""},
		{"its pin with colons", func(c *Config) { c.TLSPin = colons }, true, ""},
		{"its authority", func(c *Config) { c.CAFile = ca }, true, ""},
		{"its authority, another name", func(c *Config) { c.CAFile, c.URL = ca, "https://switch.invalid" }, false, "switch.invalid"},
		{"its pin, another name", func(c *Config) { c.TLSPin, c.URL = pin, "https://switch.invalid" }, true, ""},
		{"its authority, another's pin", func(c *Config) { c.CAFile, c.TLSPin = ca, other }, false, pin},
		{"its pin, another name, and an authority", func(c *Config) { c.CAFile, c.TLSPin, c.URL = ca, pin, "https://switch.invalid" }, false, "switch.invalid"},
	} {
		cfg := httpsConfig()
		c.with(&cfg)
		before := len(s.asked())
		_, err := client(t, s, cfg).Ask(t.Context(), false, "show version")
		if c.good != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, err)
		}
		if !c.good && len(s.asked()) != before {
			t.Errorf("%s: something was sent", c.what)
		}
	}
}

// What only old EOS has is taken where the inventory says so, and its certificate is checked all the same.
func TestLegacy(t *testing.T) {
	t.Parallel()
	s := secure(t, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}})
	cfg := httpsConfig()
	cfg.TLSPin = pinOf(s)
	if _, err := client(t, s, cfg).Ask(t.Context(), false, "show version"); err == nil {
		t.Error("an old suite was taken unasked")
	}
	cfg.TLSLegacy = true
	if _, err := client(t, s, cfg).Ask(t.Context(), false, "show version"); err != nil {
		t.Error(err)
	}
	cfg.TLSPin = "sha256:" + strings.Repeat("00", 32)
	if _, err := client(t, s, cfg).Ask(t.Context(), false, "show version"); err == nil {
		t.Error("an old suite without the check of the certificate")
	}
}
