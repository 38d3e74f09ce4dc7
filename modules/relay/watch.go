package relay

import "bisc/internal/host"

// Watch tells where the daemon's metrics are, for who shows them live; not ok where they are switched off.
func (s *Service) Watch() (daemon string, at host.Endpoint, ok bool) {
	return s.Name, host.Endpoint{Network: "tcp", Address: s.pages()}, s.pages() != ""
}
