// Package eapi asks a switch over eAPI: JSON-RPC over HTTP (eos.md A.1). It only reads: what it sends is enable and commands that
// host.ReadShow lets pass, so that all of it may be asked again when a connection breaks.
//
// The commands are goeapi's, on a connection of ours (Node.SetConnection): goeapi's own knows no context, checks no certificate,
// drops an error's data and takes a number for a float64 (eos.md A.5).
package eapi

import (
	"context"
	"net"
	"net/url"
	"strconv"
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

// Config is what the inventory says of a switch's eAPI. The zero value is none.
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
	// User and Password log in; with an empty user nobody does, as the socket and "http localhost" want [V].
	User     string
	Password func(ctx context.Context) (string, error)
	// EnablePassword answers enable, where it asks; nil: it does not.
	EnablePassword func(ctx context.Context) (string, error)
}

func (c Config) mode() Mode {
	if c.Mode == "" {
		return Off
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

// Dialled is network and address of the far end.
func (c Config) Dialled() (network, address string) {
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
