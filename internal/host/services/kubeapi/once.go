package kubeapi

import (
	"errors"
	"net/http"
	"strings"
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
func (b broke) Is(target error) bool { return errors.Is(b.error, target) }
