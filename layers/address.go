package layers

import (
	"strings"

	"bisc/internal/host"
)

// cutHost splits an address host:rest.
func cutHost(address string) (host, rest string, ok bool) {
	i := strings.IndexByte(address, ':')
	if i < 0 {
		return "", address, false
	}
	return address[:i], address[i+1:], true
}

// Match is host.Match.
func Match(pattern, address string) bool { return host.Match(pattern, address) }
