package layers

import (
	"strings"
)

// cutHost splits an address host:rest.
func cutHost(address string) (host, rest string, ok bool) {
	i := strings.IndexByte(address, ':')
	if i < 0 {
		return "", address, false
	}
	return address[:i], address[i+1:], true
}

// Match tells whether a pattern covers an address: word for word, or with * for any run of characters. It is not
// path.Match: addresses are full of slashes and brackets.
func Match(pattern, address string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == address
	}
	rest, ok := strings.CutPrefix(address, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	last := parts[len(parts)-1]
	return len(rest) >= len(last) && strings.HasSuffix(rest, last)
}
