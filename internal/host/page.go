package host

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
)

// ErrNotListening is the answer of a place where nobody listens: the connection was refused, or there is no such socket.
// It is an answer, as fs.ErrNotExist is one of a file: not knowing looks different.
var ErrNotListening = errors.New("nobody listens there")

// MaxPage is the most of a page's body that a Get takes, in bytes. More is an error: half a page is no answer.
const MaxPage = 4 << 20

// Endpoint is where a Get goes, as seen from the host itself.
type Endpoint struct {
	Network string // tcp or unix
	Address string // ADDRESS:PORT with an address in digits, or the path of a socket
}

// TCP is an endpoint of the host's own.
func TCP(at netip.AddrPort) Endpoint { return Endpoint{"tcp", at.String()} }

// String is the endpoint as a URL begins with it.
func (e Endpoint) String() string {
	if e.Network == "tcp" {
		return "http://" + e.Address
	}
	return e.Network + ":" + e.Address
}

// Loopback tells whether only the host itself can be meant, whatever the host. A reader's key opens nothing else.
func (e Endpoint) Loopback() bool {
	at, err := netip.ParseAddrPort(e.Address)
	return e.Network == "tcp" && err == nil && (at.Addr() == netip.IPv6Loopback() || at.Addr().Is4() && at.Addr().IsLoopback())
}

// Response is what a page answered. Body is whole.
type Response struct {
	Status int // HTTP's: 200, 503, ...
	Type   string
	Date   time.Time // by the clock of what answered; zero where it did not say
	Body   []byte
}

// ReadPage tells whether a Get may ask for a page: one of the list, on an address in digits or a socket of ours. That the
// address is the host's own is for the host to find.
func ReadPage(at Endpoint, page string) error {
	if !slices.Contains(Pages(), page) {
		return fmt.Errorf("%w: the page %q", ErrNotReadOnly, page)
	}
	switch at.Network {
	case "unix":
		if !ownSocket(at.Address) {
			return fmt.Errorf("%w: the socket %q: want one of %s", ErrNotReadOnly, at.Address, PageSockets)
		}
		return nil
	case "tcp":
		a, err := netip.ParseAddrPort(at.Address)
		if err != nil {
			return fmt.Errorf("%w: ask %q: want ADDRESS:PORT with an address in digits", ErrNotReadOnly, at.Address)
		}
		if a.Port() == 0 || a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Addr().Zone() != "" || a.String() != at.Address {
			return fmt.Errorf("%w: ask %q: want one of the host's own addresses", ErrNotReadOnly, at.Address)
		}
		return nil
	}
	return fmt.Errorf("%w: network %q: want tcp or unix", ErrNotReadOnly, at.Network)
}

// ownSocket tells whether a path is one of PageSockets, in letters that mean nothing to anybody.
func ownSocket(name string) bool {
	fits, err := path.Match(PageSockets, name)
	return err == nil && fits && strings.IndexFunc(name, needsQuote) < 0 && len(name) < 100 // sun_path has 108
}

type anewKey struct{}

// Anew has a Get ask the host though a Memo knows an answer, and though the same question is under way: a counter moves only
// between two answers. What it answers is not remembered.
func Anew(ctx context.Context) context.Context { return context.WithValue(ctx, anewKey{}, true) }

// IsAnew tells whether a context is Anew's.
func IsAnew(ctx context.Context) bool { return ctx.Value(anewKey{}) != nil }
