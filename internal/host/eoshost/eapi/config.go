// Package eapi asks a switch over eAPI: JSON-RPC over HTTP (eos.md A.1). It only reads: what it sends is enable and commands that
// host.ReadShow lets pass, so that all of it may be asked again when a connection breaks.
//
// The commands are goeapi's, on a connection of ours (Node.SetConnection): goeapi's own knows no context, checks no certificate,
// drops an error's data and takes a number for a float64 (eos.md A.5).
package eapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Socket is where eAPI listens with "protocol unix-socket" [V].
const Socket = "/var/run/command-api.sock"

// HTTPPort is the port of "protocol http localhost" where nobody says another [V].
const HTTPPort = 8080

// Mode is over what eAPI is reached.
type Mode string

// The modes. HTTPS is dialled from here, the two others through the SSH connection to the switch.
const (
	Auto  Mode = "auto"  // Unix if it answers, else none
	Off   Mode = "off"   // the SSH command line only
	Unix  Mode = "unix"  // Socket
	HTTP  Mode = "http"  // 127.0.0.1:PORT
	HTTPS Mode = "https" // an address
)

// Config is what the inventory says of a switch's eAPI. The zero value is Auto.
type Config struct {
	Mode Mode
	Port int    // of HTTP
	URL  string // of HTTPS: https://HOST[:PORT]
	// CAFile holds the authorities that may have signed the certificate, PEM, in place of the system's.
	CAFile string
	// TLSPin is the certificate's own digest: sha256: and 64 hex digits. With it and without CAFile nothing else is checked.
	TLSPin string
	// TLSLegacy allows the suites that old EOS has: RSA key exchange and CBC.
	TLSLegacy bool
	// User and Password log in; with an empty user nothing does, as the socket and "http localhost" want [V].
	User     string
	Password func(ctx context.Context) (string, error)
	// EnablePassword answers enable, where it asks; nil: it does not.
	EnablePassword func(ctx context.Context) (string, error)
}

// ReadMode reads the inventory's eapi: "auto", "off", "unix", "http", "http:PORT" or "https://HOST[:PORT]".
func ReadMode(s string) (Config, error) {
	word, rest, _ := strings.Cut(s, ":")
	switch {
	case s == string(Auto), s == string(Off), s == string(Unix):
		return Config{Mode: Mode(s)}, nil
	case s == string(HTTP):
		return Config{Mode: HTTP, Port: HTTPPort}, nil
	case word == string(HTTP) && !strings.HasPrefix(rest, "/"):
		port, err := strconv.Atoi(rest)
		if err != nil || port < 1 || port > 65535 {
			return Config{}, fmt.Errorf("%q: a port is 1 to 65535: write for example eapi = \"http:8080\"", s)
		}
		return Config{Mode: HTTP, Port: port}, nil
	case word == string(HTTP):
		return Config{}, fmt.Errorf("%q would send the switch's answers, and a password, in the clear: write \"http:PORT\", which goes through SSH to the switch's own 127.0.0.1, or https://", s)
	case word == string(HTTPS):
		return readURL(s)
	}
	return Config{}, fmt.Errorf("%q is no way to eAPI: it is \"auto\", \"off\", \"unix\", \"http\", \"http:PORT\" or \"https://HOST[:PORT]\"", s)
}

func readURL(s string) (Config, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "":
		return Config{}, fmt.Errorf("%q is no address: write for example eapi = \"https://192.0.2.1\"", s)
	case u.User != nil:
		return Config{}, errors.New("a user or password is not written into eapi's address: eapi_user, eapi_password_env, eapi_password_file and eapi_password_cmd say where they are")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return Config{}, fmt.Errorf("%q: eapi takes https://HOST[:PORT] and nothing behind it: the path is always /command-api", s)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return Config{}, fmt.Errorf("%q: a port is 1 to 65535", s)
		}
	}
	return Config{Mode: HTTPS, URL: "https://" + u.Host}, nil
}

// Check tells what of a configuration does not go together.
func (c Config) Check() error {
	if c.Mode != HTTPS && (c.CAFile != "" || c.TLSPin != "" || c.TLSLegacy) {
		return fmt.Errorf("ca_file, tls_pin and tls_legacy are of eapi = \"https://...\": %s goes through SSH", c.mode())
	}
	if c.Mode == HTTPS && c.User == "" {
		return errors.New("eapi = \"https://...\" logs in: eapi_password_env, eapi_password_file or eapi_password_cmd says where the password is")
	}
	if c.TLSPin != "" {
		_, err := readPin(c.TLSPin)
		return err
	}
	return nil
}

func (c Config) mode() Mode {
	if c.Mode == "" {
		return Auto
	}
	return c.Mode
}

// String is where eAPI is, as a person reads it: "eAPI over /var/run/command-api.sock through SSH".
func (c Config) String() string {
	switch c.mode() {
	case HTTP:
		return "eAPI over 127.0.0.1:" + strconv.Itoa(c.port()) + " through SSH"
	case HTTPS:
		return "eAPI over " + c.URL
	case Off:
		return "no eAPI"
	}
	return "eAPI over " + Socket + " through SSH"
}

func (c Config) port() int {
	if c.Port == 0 {
		return HTTPPort
	}
	return c.Port
}

// dialled is network and address of the far end.
func (c Config) dialled() (network, address string) {
	switch c.mode() {
	case HTTP:
		return "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port()))
	case HTTPS:
		u, err := url.Parse(c.URL)
		if err != nil { // ReadMode has read it
			return "tcp", c.URL
		}
		port := u.Port()
		if port == "" {
			port = "443"
		}
		return "tcp", net.JoinHostPort(u.Hostname(), port)
	}
	return "unix", Socket
}
