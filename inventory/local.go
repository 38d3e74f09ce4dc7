package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
)

// transport reads how the host is reached: over SSH, or not at all, because bisc runs on it.
func (d *decoder) transport(a *hclsyntax.Attribute, v cty.Value) {
	switch s, ok := d.string(a, v); {
	case !ok:
	case s == "local":
		d.host.Local = true
	case s != "ssh":
		d.fault(a.Expr.Range(), "Unknown transport", fmt.Sprintf("There is no transport %q. It is \"ssh\", or \"local\" for the machine that bisc runs on.", s))
	}
}

// networkOnly are the attributes that mean nothing on the machine that bisc runs on.
func networkOnly() []string {
	return []string{"user", "port", "via", "host_key", "known_hosts", "identity", "agent_key", "ssh_config", "connect_timeout", "jump_only"}
}

// local finds what does not go with transport = "local".
func (d *decoder) local(b *hclsyntax.Block) {
	h := d.host
	if h.Platform == host.EOS {
		d.fault(h.attrs["transport"], "No local switch", "bisc runs on Linux: a switch is never the machine that it runs on.")
	}
	if _, ok := b.Body.Attributes["machine_id"]; !ok {
		d.fault(h.attrs["transport"], "Which machine?", fmt.Sprintf("transport = \"local\" needs machine_id = \"...\", the text of /etc/machine-id on %s: "+
			"without it the plan of %s would be carried out on whatever machine this file is copied to.", h.Name, h.Name))
	}
	for _, name := range networkOnly() {
		if _, ok := b.Body.Attributes[name]; ok {
			d.fault(h.attrs[name], "Not for the local transport", fmt.Sprintf("%s is about an SSH connection, and transport = \"local\" makes none.", name))
		}
	}
}

// checkMachineID wants what machine-id(5) holds.
func checkMachineID(s string) error {
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" || s == strings.Repeat("0", 32) {
		return fmt.Errorf("%q is not a machine id: it is the 32 hexadecimal digits of /etc/machine-id", s)
	}
	return nil
}

// decideLocal is the decision for the machine that bisc runs on.
func decideLocal(h *Host) Decision {
	d := Decision{Host: h.Name, Platform: h.Platform, Address: h.Address, Local: true, MachineID: h.MachineID}
	d.set("transport", "local", h.where("transport"))
	d.set("machine_id", h.MachineID, h.where("machine_id"))
	d.User = d.set("user", localUser(), "default: bisc runs there")
	d.become(h)
	d.password(h)
	d.Settings = slices.Clip(d.Settings)
	return d
}
