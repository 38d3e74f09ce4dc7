package daemon

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
)

// handed takes over the sockets that systemd opened for this process, by name. systemd keeps them open across a restart,
// so what reaches the host meanwhile waits in their buffers. A name that the daemon does not know is refused: its packets
// would pile up in a socket that nobody reads.
func handed(known []string) (map[string][]*os.File, error) {
	got := map[string][]*os.File{}
	for _, f := range activation.Files(true) {
		if !slices.Contains(known, f.Name()) {
			remedy := "this daemon takes no sockets: remove its .socket unit"
			if len(known) > 0 {
				remedy = "write FileDescriptorName= in the .socket unit, one of: " + strings.Join(known, ", ")
			}
			return nil, &BadSetting{From: "LISTEN_FDNAMES", Err: fmt.Errorf("socket %q from systemd has no use here", f.Name()), Remedy: remedy}
		}
		got[f.Name()] = append(got[f.Name()], f)
	}
	return got, nil
}

// Sockets are the sockets that systemd handed over under the name (FileDescriptorName=), in order; none when the daemon
// was started without. They stay open with the Service.
func (s *Service) Sockets(name string) []*os.File { return s.sockets[name] }
