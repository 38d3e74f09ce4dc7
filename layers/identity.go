package layers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// Identity is what tells one host, and one boot of it, from every other.
type Identity struct {
	MachineID string `json:"machine_id"`
	BootID    string `json:"boot_id"`
	HostKey   string `json:"host_key,omitempty"` // SHA256:..., where the transport has one
}

// Identify reads a host's identity. A host that answers neither is not a Linux host with systemd; a switch's transport knows
// what tells one from another.
func Identify(ctx context.Context, h host.Reader) (Identity, error) {
	var id Identity
	if known, ok := h.(interface {
		Identity(ctx context.Context) (machine, boot string, err error)
	}); ok {
		var err error
		if id.MachineID, id.BootID, err = known.Identity(ctx); !errors.Is(err, errors.ErrUnsupported) {
			id.HostKey = hostKey(h)
			return id, err
		}
	}
	read := func(name string, into *string) func(context.Context) error {
		return func(ctx context.Context) error {
			b, err := h.ReadFile(ctx, name)
			*into = strings.TrimSpace(string(b))
			return err
		}
	}
	err := host.Ask(ctx, read("/etc/machine-id", &id.MachineID), read("/proc/sys/kernel/random/boot_id", &id.BootID))
	if err != nil {
		return id, fmt.Errorf("reading the identity of %s: %w", h.Name(), err)
	}
	id.HostKey = hostKey(h)
	return id, nil
}

func hostKey(h host.Reader) string {
	if k, ok := h.(interface{ HostKey() string }); ok {
		return k.HostKey()
	}
	return ""
}
