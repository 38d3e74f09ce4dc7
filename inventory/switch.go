package inventory

import (
	"fmt"
	"strings"
	"time"

	"bisc/internal/host"
)

// switchFields are the attributes by which a switch is known. Two switches may have a Loopback101 of the same name and another
// meaning each (incident 50): what a switch calls itself is compared before anything else is asked of it.
func switchFields() map[string]field {
	return map[string]field{
		"hostname": text(func(h *Host) *string { return &h.Hostname }, checkHostname),
		"serial":   text(func(h *Host) *string { return &h.Serial }, checkSerial),

		"look_again": list(func(h *Host) *[]string { return &h.LookAgain }, checkLook, asIs),
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

// longestLook is far above any second manager's period.
const longestLook = time.Hour

func checkLook(s string) error {
	if t, err := time.ParseDuration(s); err != nil || t <= 0 || t > longestLook {
		return fmt.Errorf("%q is not how long after a confirmed commit a switch is looked at again: write \"15s\" or \"75s\", up to %s", s, longestLook)
	}
	return nil
}

// switchTogether finds attributes of a switch on what is none.
func (d *decoder) switchTogether() {
	for _, name := range []string{"hostname", "serial"} {
		if at, ok := d.host.attrs[name]; ok && d.host.Platform == host.Linux {
			d.fault(at, "No switch", fmt.Sprintf("%s is what a switch says of itself (platform = \"eos\"). A Linux host is known by machine_id.", name))
		}
	}
	if at, ok := d.host.attrs["look_again"]; ok && d.host.Platform == host.Linux {
		d.fault(at, "No switch", "look_again is about what becomes of a commit on a switch (platform = \"eos\").")
	}
}

// known decides what a switch must say of itself, and when it is looked at again.
func (d *Decision) known(h *Host) {
	for _, s := range h.LookAgain {
		if t, err := time.ParseDuration(s); err == nil { // it was checked where it was read
			d.LookAgain = append(d.LookAgain, t)
		}
	}
	if len(h.LookAgain) > 0 {
		d.pick("look_again", h.where("look_again"), strings.Join(h.LookAgain, ", "), nil, "", "")
	}
	d.Hostname = d.pick("hostname", h.where("hostname"), h.Hostname, nil, "", "")
	d.Serial = d.pick("serial", h.where("serial"), h.Serial, nil, "", "")
}
