package relay

import (
	"net/netip"

	"bisc/internal/host"
)

// Watch tells where the daemon's metrics are, for who shows them live; not ok where they are switched off.
func (s *Service) Watch() (daemon string, at host.Endpoint, ok bool) {
	return s.Name, host.Endpoint{Network: "tcp", Address: s.pages()}, s.pages() != ""
}

// Advertised is where turbine sends what the daemon unwraps, by its settings; not ok where they do not say.
func (s *Service) Advertised() (at netip.AddrPort, ok bool) {
	at, err := netip.ParseAddrPort(s.Settings["match-addr"] + ":" + s.Settings["match-port"])
	return at, s.Name == "shredunwrap" && err == nil
}
