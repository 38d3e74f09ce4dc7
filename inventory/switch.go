package inventory

import (
	"fmt"
	"strings"

	"bisc/internal/host"
)

// switchFields are the attributes by which a switch is known. Two switches may have a Loopback101 of the same name and another
// meaning each (incident 50): what a switch calls itself is compared before anything else is asked of it.
func switchFields() map[string]field {
	return map[string]field{
		"hostname": text(func(h *Host) *string { return &h.Hostname }, checkHostname),
		"serial":   text(func(h *Host) *string { return &h.Serial }, checkSerial),
	}
}

// checkHostname wants what EOS takes: a name, with or without a domain.
func checkHostname(s string) error {
	if err := plainWord("hostname", s); err != nil {
		return err
	}
	for _, r := range s {
		if !isLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("._-", r) {
			return fmt.Errorf("%q is not what a switch calls itself: %q cannot be in it (show hostname)", s, r)
		}
	}
	return nil
}

func checkSerial(s string) error { return plainWord("serial", s) }

// switchTogether finds attributes of a switch on what is none.
func (d *decoder) switchTogether() {
	for _, name := range []string{"hostname", "serial"} {
		if at, ok := d.host.attrs[name]; ok && d.host.Platform == host.Linux {
			d.fault(at, "No switch", fmt.Sprintf("%s is what a switch says of itself (platform = \"eos\"). A Linux host is known by machine_id.", name))
		}
	}
}

// known decides what a switch must say of itself.
func (d *Decision) known(h *Host) {
	d.Hostname = d.pick("hostname", h.where("hostname"), h.Hostname, nil, "", "")
	d.Serial = d.pick("serial", h.where("serial"), h.Serial, nil, "", "")
}
