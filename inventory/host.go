package inventory

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
)

// Host is what the inventory says of one machine. What it does not say is zero here; Decide fills it in.
type Host struct {
	Name     string
	Platform host.Platform
	// JumpOnly is a host that others are reached through and no plan is on.
	JumpOnly bool
	Address  string // a name or an IP address, without a port
	User     string
	Port     int
	// Become is sudo on Linux and enable on EOS; nil where the inventory does not say.
	Become *bool
	// Via is the jump hosts in the order they are passed. HasVia tells an empty list, which means none, from no list.
	Via    []string
	HasVia bool
	// HostKeys are pins, SHA256:...; the host's key must be one of them.
	HostKeys   []string
	KnownHosts []string // files
	Identities []string // files
	// AgentKey chooses the key of the agent by its fingerprint, SHA256:...
	AgentKey string
	// SSHConfig tells whether ssh's own configuration is asked; nil where the inventory does not say.
	SSHConfig *bool
	// SSHConfigFile is asked instead of ssh's default files.
	SSHConfigFile string
	// BecomePasswordEnv, BecomePasswordFile and BecomePasswordCmd name where the password of sudo is, never the password.
	BecomePasswordEnv  string
	BecomePasswordFile string
	BecomePasswordCmd  []string // a program and its arguments; it prints the password
	ConnectTimeout     time.Duration
	// AnswerTimeout is how long a question to a Linux host may take; 0 where the inventory does not say.
	AnswerTimeout time.Duration
	// Local is the machine that bisc runs on (transport = "local").
	Local bool
	// MachineID is what the host's /etc/machine-id must say; empty: not declared. A local host always has one.
	MachineID string
	// Hostname and Serial are what a switch must say of itself; empty: not declared.
	Hostname, Serial string
	// LookAgain is how long after a confirmed commit a switch is looked at again, each; none: as bisc does by itself.
	LookAgain []string
	// EAPI is a switch's HTTP interface.
	EAPI EAPI
	// Power and Console are the commands (words each) that switch the host's power and reach its console, for an operator whom
	// nothing else is left to. They are shown, and never run.
	Power, Console []string
	// Data is what plans read as host.<name>.<key>: an object.
	Data cty.Value
	// Range is the header of the block.
	Range hcl.Range

	attrs map[string]hcl.Range // of each attribute given
	data  map[string]hcl.Range // of each key of Data
}

// Attributes that every host has in plans; Data may not use their names.
var reserved = []string{"name", "platform", "address"}

// Value is the object that plans see as host.<name>, and as self: Data with name, platform and address (null where the
// inventory has none).
func (h *Host) Value() cty.Value {
	attrs := map[string]cty.Value{}
	for k, v := range h.Data.AsValueMap() {
		attrs[k] = v
	}
	attrs["name"] = cty.StringVal(h.Name)
	attrs["platform"] = cty.StringVal(h.Platform.String())
	attrs["address"] = cty.NullVal(cty.String)
	if h.Address != "" {
		attrs["address"] = cty.StringVal(h.Address)
	}
	return cty.ObjectVal(attrs)
}

// Origin is where a key of Value is written.
func (h *Host) Origin(key string) hcl.Range {
	if r, ok := h.data[key]; ok {
		return r
	}
	if r, ok := h.attrs[key]; ok {
		return r
	}
	return h.Range
}

// ByHand is what an operator can type when a host is stuck or cut off: "console: ...", "power: ...". None where the inventory says
// nothing.
func (h *Host) ByHand() []string {
	var out []string
	for _, way := range []struct {
		name  string
		words []string
	}{{"console", h.Console}, {"power", h.Power}} {
		switch len(way.words) {
		case 0:
		case 1:
			out = append(out, way.name+": "+way.words[0])
		default:
			out = append(out, way.name+": "+host.Quote(way.words...))
		}
	}
	return out
}

// where is the place of an attribute, as a person reads it.
func (h *Host) where(attr string) string {
	if r, ok := h.attrs[attr]; ok {
		return place(r)
	}
	return place(h.Range)
}
